"""Loaded by every Python that a measured study starts: writes down what each job took.

`benchmarks/study.py` puts it into the study's copy of the project under the name that Python imports by
itself, `sitecustomize`. A process is a job if Snakemake gave it a `snakemake` object.
"""

import atexit
import builtins
import importlib
import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

started = time.perf_counter()
import_seconds = 0.0
importing = False


def timed(plain_import: Callable[..., Any]) -> Callable[..., Any]:
    """An import whose seconds are counted, unless it is part of another."""

    def timed_import(*arguments: Any, **options: Any) -> Any:
        global import_seconds, importing  # noqa: PLW0603
        if importing:
            return plain_import(*arguments, **options)
        importing, before = True, time.perf_counter()
        try:
            return plain_import(*arguments, **options)
        finally:
            importing = False
            import_seconds += time.perf_counter() - before

    return timed_import


def peak_mb() -> float:
    """The most memory that this process held. Not `ru_maxrss`: that starts from the parent process's."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found, "a Linux without VmHWM"
    return int(found[1]) / 1024


def write_record() -> None:
    """One file for each job: its rule, what it computed for, and the most memory it held."""
    job = getattr(sys.modules["__main__"], "snakemake", None)
    if job is None:
        return
    record = {
        "rule": job.rule,
        "wildcards": dict(job.wildcards.items()),
        "compute_seconds": time.perf_counter() - started - import_seconds,
        "import_seconds": import_seconds,
        "peak_mb": peak_mb(),
    }
    Path(os.environ["UNPOISON_JOB_RECORDS"], f"{os.getpid()}.json").write_text(json.dumps(record))


def start_anew() -> None:
    """Count from here on: this process is a child of the warm one, whose imports are none of the job's."""
    global started, import_seconds
    started, import_seconds = time.perf_counter(), 0.0


if "UNPOISON_JOB_RECORDS" in os.environ:
    os.register_at_fork(after_in_child=start_anew)
    builtins.__import__ = timed(builtins.__import__)
    importlib.import_module = timed(importlib.import_module)
    atexit.register(write_record)
