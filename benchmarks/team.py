"""Parallel processes that do the same work, started together and timed as one."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[1]
CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Layout:
    """The processes and threads of an arm; workers are those of a `DataLoader`."""

    processes: int
    threads: int
    workers: int | None = None

    def __str__(self) -> str:
        loading = "" if self.workers is None else f" x {self.workers} workers"
        return f"{self.processes} processes x {self.threads} threads{loading}"

    @property
    def options(self) -> dict[str, int]:
        """Return the options of one process."""
        return {"threads": self.threads} | ({} if self.workers is None else {"workers": self.workers})


# One job on all cores, and parallel one-thread jobs.
WHOLE_MACHINE = tuple(dict.fromkeys([Layout(1, CORES), Layout(CORES, 1)]))


class Team:
    """The processes of an arm in a layout; each warms up and waits for orders."""

    def __init__(self, arm: str, layout: Layout, **options: int | str) -> None:
        self.layout = layout
        command = [sys.executable, "-m", "benchmarks.arms", arm, json.dumps(layout.options | options)]
        self._processes = [
            subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(layout.processes)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.communicate()  # a process ends when its input is closed

    def wait(self) -> Self:
        """Wait until every process has warmed up."""
        self._hear("ready")
        return self

    def seconds(self, **order: Any) -> float:
        """Return the seconds from the order until the last process has finished."""
        started = time.perf_counter()
        for process in self._processes:
            assert process.stdin
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
        self._hear("done")
        return time.perf_counter() - started

    def _hear(self, word: str) -> None:
        for process in self._processes:
            assert process.stdout
            if process.stdout.readline().strip() != word:
                sys.exit("error: a process of the benchmark has ended; its message is above")
