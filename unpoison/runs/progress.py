"""The progress of a run: jobs done, running, left and failed, and when the run will end.

Snakemake's own lines count the steps done and give no time. Its logger plugin `rich` shows the time that has passed and
needs a terminal. This handler of Snakemake's logger adds the rest: as one line a minute, or as messages to the
`unpoison` command that started this Snakemake.
"""

import json
import logging
import os
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from unpoison.runs.artifacts import error_of

EVERY = 60.0  # seconds between two lines
EVERY_TOLD = 1.0  # seconds between two messages to the command
LISTENER = "UNPOISON_LISTENER"  # variable: the descriptor of a pipe to the command


def listener() -> int | None:
    """Return the pipe to the command that started this Snakemake, if one did; jobs do not inherit it."""
    number = os.environ.pop(LISTENER, None)
    return None if number is None else int(number)


class Progress(logging.Handler):
    """A handler that follows the events of Snakemake's logger.

    listener: a pipe; None: lines on standard error. Each message to the pipe is a line of JSON: `done` and `total`
    (jobs), `line`, `outlook` (the time left), and `now` (the message of the job that started last). A failed job adds
    `failed` (its message), `error` and `log`.

    The work left is the sum over rules of the jobs left times the mean seconds of the rule's jobs so far. The time left
    is the work left divided by the mean number of running jobs. While no job of some rule has ended, its mean is
    unknown, and the time left is given as 'more than'.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, listener: int | None = None) -> None:
        super().__init__()
        self.clock = clock
        self.listener = listener
        self.now = ""  # the message of the job that started last
        self.message_of: dict[int, str] = {}
        self.total: Counter[str] = Counter()
        self.rule_of: dict[int, str] = {}
        self.running: dict[int, float] = {}  # since when
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        self.failed: set[int] = set()
        self.begun: float | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Record an event of a job; the first job that starts also starts the lines."""
        match str(getattr(record, "event", None)):
            case "run_info":
                self.total = Counter(vars(record)["stats"])
                del self.total["total"]
                self._report()
            case "job_info":
                job = vars(record)["jobid"]
                self.rule_of[job] = vars(record)["rule_name"]
                if message := vars(record).get("rule_msg"):
                    self.now = self.message_of[job] = str(message)
                if vars(record).get("indent"):  # one of several jobs of a submission
                    self._start([job])
            case "job_started":
                # A submission of several jobs has a text as its number, and its jobs have events of their own.
                self._start([job for job in vars(record)["jobs"] if isinstance(job, int)])
                self._begin()
            case "job_finished":
                job = vars(record)["job_id"]
                self.seconds[self.rule_of[job]].append(self._end(job))
                self._report()
            case "job_error":
                self._end(vars(record)["jobid"])
                self.failed.add(vars(record)["jobid"])
                if self.listener is not None:
                    self._report(**self._failure(vars(record)))

    def line(self) -> str:
        """Return the current progress as one line."""
        left = sum(self._left().values()) - len(self.running) - len(self.failed)
        parts = [
            f"{self._done()} of {self.total.total()} jobs done",
            f"{len(self.running)} running",
            f"{left} left",
        ]
        parts += [f"{len(self.failed)} failed"] if self.failed else []
        return f"{', '.join(parts)}; {self._outlook()}"

    def _begin(self) -> None:
        if self.begun is None:
            self.begun = self.clock()
            threading.Thread(target=self._tell, daemon=True).start()

    def _tell(self) -> None:
        while True:
            time.sleep(EVERY if self.listener is None else EVERY_TOLD)
            with self.lock or threading.Lock():
                if self.listener is not None:
                    self._report()
                elif self.running:
                    print(f"[{datetime.now():%H:%M}] {self.line()}", file=sys.stderr, flush=True)

    def _report(self, **more: str) -> None:
        if self.listener is None:
            return
        told = {
            "done": self._done(),
            "total": self.total.total(),
            "line": self.line(),
            "outlook": self._outlook(),
            "now": self.now,
        }
        with suppress(OSError):  # the command was killed
            os.write(self.listener, f"{json.dumps(told | more)}\n".encode())

    def _failure(self, job: dict[str, Any]) -> dict[str, str]:
        """Return the message about a failed job; empty if another job of its submission failed."""
        log = next(iter(job.get("log") or ()), "")
        error = error_of(Path(log)) if Path(log).is_file() else ""
        if job.get("indent") and not error:
            return {}
        did = self.message_of.get(job["jobid"], str(job["rule_name"]))
        return {"failed": did, "error": error or "it ended without a message", "log": log}

    def _start(self, jobs: list[int]) -> None:
        self.running |= dict.fromkeys(jobs, self.clock())
        self.failed -= set(jobs)  # they are retried

    def _end(self, job: int) -> float:
        return self.clock() - self.running.pop(job, self.clock())

    def _done(self) -> int:
        return sum(map(len, self.seconds.values()))

    def _left(self) -> Counter[str]:
        """Return the number of jobs of each rule that have not ended well, including running ones."""
        return self.total - Counter({rule: len(ended) for rule, ended in self.seconds.items()})

    def _outlook(self) -> str:
        if not self._done():
            return "the time left is known when a first job has ended"
        mean = {rule: sum(ended) / len(ended) for rule, ended in self.seconds.items()}
        left, now = self._left(), self.clock()
        work = sum(mean.get(rule, 0.0) * count for rule, count in left.items())
        # The time that running jobs have already taken is not left to do.
        work -= sum(min(now - since, mean.get(self.rule_of[job], 0.0)) for job, since in self.running.items())
        spent = sum(map(sum, self.seconds.values())) + sum(now - since for since in self.running.values())
        at_work = max(1.0, spent / max(now - (now if self.begun is None else self.begun), 1e-9))
        span = in_words(max(0.0, work) / at_work)
        if any(rule not in mean for rule in left if rule != "all"):
            if work / at_work < 1:
                return "the time left is not known yet"
            return f"more than {span} to go"
        return f"about {span} to go, until {datetime.now() + timedelta(seconds=work / at_work):%H:%M}"


def in_words(seconds: float) -> str:
    """Return a duration in words."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
