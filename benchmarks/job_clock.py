"""A module that every Python process of a measured study loads; it records the time and memory of each job.

`benchmarks/study.py` copies it into the study's project as `sitecustomize`, which Python imports
automatically. A process is a job if Snakemake gave it a `snakemake` object.
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
    """Return an import function that counts its seconds, except inside another import."""

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
    """Return the peak memory of this process in MB. Not `ru_maxrss`, which starts at the parent process's peak."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found, "a Linux without VmHWM"
    return int(found[1]) / 1024


def write_record() -> None:
    """Write one file for each job: its rule, its wildcards, its seconds, and its peak memory."""
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
    """Restart the counts: this process is a fork of a warm one, whose imports do not belong to the job."""
    global started, import_seconds
    started, import_seconds = time.perf_counter(), 0.0


if "UNPOISON_JOB_RECORDS" in os.environ:
    os.register_at_fork(after_in_child=start_anew)
    builtins.__import__ = timed(builtins.__import__)
    importlib.import_module = timed(importlib.import_module)
    atexit.register(write_record)
