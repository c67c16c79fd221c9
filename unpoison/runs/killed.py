"""Reports a signal that ended a job in the job's log, since the job itself no longer can.

Snakemake's local executor logs the exception of a script and then the failed job, both in the thread that waited for
the script. A cluster's executor reports a state instead, such as OUT_OF_MEMORY.
"""

import logging
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

from unpoison.runs.artifacts import error_of

OF_SHELL = 128  # a shell's exit status is this plus the number of the signal that ended its child
# Ctrl-C and a closed terminal reach all jobs: they were stopped and did not fail.
BY_A_PERSON = ("SIGINT", "SIGHUP")
CAUSES = {
    "SIGKILL": "most likely memory ran out: free some, run fewer jobs at once (--cores), or lower batch_size, width or "
    "image_size; on a cluster raise mem_mb",
    "SIGTERM": "by a time limit (raise runtime on a cluster), scancel or kill",
    "SIGXCPU": "its limit of processor time is used up (ulimit -t)",
    "SIGBUS": "most likely a disk or /dev/shm is full, or a mapped file was truncated",
    "SIGILL": "most likely a library was built for another processor",
}
STATES = {
    "OUT_OF_MEMORY": "memory ran out: raise mem_mb, or lower batch_size, width or image_size",
    "TIMEOUT": "its time limit was reached: raise runtime",
    "DEADLINE": "its deadline was reached",
    "NODE_FAIL": "its node failed: the same command goes on",
    "CANCELLED": "by scancel or the cluster: the same command goes on",
}


GRACE = 0.5  # seconds in which a run shows that it got the same SIGTERM as its job


class Killed(logging.Handler):
    """A handler of Snakemake's logger that reports signals in the logs of the jobs that they ended."""

    def __init__(self) -> None:
        super().__init__()
        self._died: dict[int | None, str] = {}  # by thread

    def emit(self, record: logging.LogRecord) -> None:
        """Remember a script's exception, or report the end of a job."""
        told = vars(record)
        match str(told.get("event")):
            case "error":
                self._died[record.thread] = died_by(record.getMessage())
            case "job_error":
                reason = died_by(str(told.get("rule_msg") or "")) or self._died.pop(record.thread, "")
                if (
                    reason
                    and told.get("log")
                    and not (reason.startswith("killed by SIGTERM") and is_stopped())
                ):
                    tell(Path(told["log"][0]), reason)
            case "group_error":  # a submission of several jobs: no state is reported for any of them
                for job in told["job_error_info"]:
                    _tell_of_submission(job)


def died_by(message: str) -> str:
    """Return the signal or the cluster's state in a message, with its most likely cause; empty if there is none."""
    if state := re.search(rf"SLURM status is: '({'|'.join(STATES)})", message):
        return f"ended by SLURM with the state {state[1]}: {STATES[state[1]]}"
    if found := re.search(r"died with <Signals\.(SIG\w+): \d+>", message):
        name = found[1]
    elif found := re.search(r"returned non-zero exit status (\d+)", message):
        number = int(found[1]) - OF_SHELL
        if number not in set(signal.Signals):
            return ""
        name = signal.Signals(number).name
    else:
        return ""
    if name in BY_A_PERSON:
        return ""
    return f"killed by {name}" + (f": {CAUSES[name]}" if name in CAUSES else "")


def is_stopped() -> bool:
    """Return whether the run was told to stop: then `stopping.py` has disabled all logging.

    `timeout` and service managers signal a job and its Snakemake at once, and the job may end first.
    """
    end = time.monotonic() + GRACE
    while logging.root.manager.disable < logging.CRITICAL and time.monotonic() < end:
        time.sleep(0.01)
    return logging.root.manager.disable >= logging.CRITICAL


def tell(log: Path, reason: str) -> None:
    """Add the reason to a job's log, and print it on standard error."""
    line = f"error: {reason}"
    try:
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666)
        with os.fdopen(file, "ab") as end:
            end.write(f"\n{line}\n".encode())
    except OSError as error:
        line += f" (it cannot be added to the log: {error.strerror})"
    print(f"{line}\n    {log}", file=sys.stderr, flush=True)


def _tell_of_submission(job: dict[str, Any]) -> None:
    """Report the end of a job that had begun, made no output, and logged no error of its own."""
    log = next(map(Path, job["log"]), None)
    if log is None or not log.is_file() or all(map(os.path.exists, job["output"])):
        return
    if not error_of(log):
        tell(log, "ended with its submission, most likely by a limit of time or memory; sacct tells which")
