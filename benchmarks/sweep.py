"""The overhead of a sweep of thousands of cells: a real run whose networks are stubs.

    python -m benchmarks.sweep [2000]

The project is copied, with `benchmarks/stubs/` in place of the jobs that run a network; Snakefile, plan, data
sets, deletion sets, metrics, tables, figures and report are the real ones. Then it is run again with nothing changed,
run with one metric changed, and dry-run with one option of one method changed. The networks take no time, so all time
is overhead. It is told in core seconds per job and per cell, by the clock (wall seconds x cores) and of the processor.
Other work on the machine does not affect the latter.
"""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks.dag import SNAKEMAKE, job_counts, snakemake
from benchmarks.study import Job, copy_project
from benchmarks.team import CORES

STUBS = Path(__file__).with_name("stubs")
STUB_OF = {
    "train_base": "make_model",
    "train_oracle": "make_model",
    "unlearn": "make_model",
}
TENTHS = range(1, 11)
METHODS = {
    "retrain": {},
    **{f"tenths_{each}": {"method": "finetune", "length": each / 10} for each in TENTHS},
}
GRID = {"deletion.recall": [0.25, 0.5, 1.0], "deletion.fpr": [0.0, 0.1, 0.2]}
CELLS_OF_A_SEED = 2 + len(METHODS) * math.prod(map(len, GRID.values()))
POLL = 0.2  # seconds


def write_study(
    folder: Path, seeds: int, grid: dict[str, list[float]] = GRID, methods: dict[str, dict] = METHODS
) -> dict[str, Any]:
    """Copy the project with stubs, and return its config: for each seed the grid x the methods, and two references."""
    copy_project(folder)
    for script, stub in STUB_OF.items():
        shutil.copy2(STUBS / f"{stub}.py", folder / f"unpoison/jobs/{script}.py")
    return {
        "results_folder": "results",
        "device": "cpu",
        "sources": {"generated": {"train_per_class": 60, "test_per_class": 20, "image_size": 16}},
        "datasets": {"ten_classes": {"source": "generated"}},
        "poisons": {"patch": {"count": 20, "target": "airplane"}},
        "recipes": {"quick": {"epochs": 1, "batch_size": 32, "learning_rate": 0.1}},
        "trainings": {"resnet9": {"recipe": "quick"}},
        "deletions": {"found": {"recall": 1.0}},
        "methods": methods,
        "studies": {
            "sweep": {
                "dataset": "ten_classes",
                "poison": "patch",
                "training": "resnet9",
                "vary": grid,
                "deletions": ["found"],
                "methods": list(methods),
                "seeds": seeds,
            }
        },
        "figures": {
            "dose_response": {"studies": ["sweep"]},
            "cost_quality": {"studies": ["sweep"], "recall": 1.0},
        },
    }


def measure(cells: int, scratch: Path) -> dict[str, Any]:
    """Return the run, the run again, the run with a changed metric, and the jobs that a changed option reruns."""
    folder, records = scratch / "project", scratch / "records"
    records.mkdir()
    config = write_study(folder, max(1, round(cells / CELLS_OF_A_SEED)))
    shutil.copy2(Path(__file__).with_name("job_clock.py"), folder / "sitecustomize.py")
    first = run(folder, config, records)
    jobs = [Job(**json.loads(path.read_text())) for path in records.iterdir()]
    made = len(list((folder / "results").rglob("answers.npy")))
    again = run(folder, config, records)
    assert len(list(records.iterdir())) == len(jobs), "a run with nothing changed ran a job"
    metric = folder / "unpoison/metrics/clean_accuracy.py"
    metric.write_text(metric.read_text() + "\nCHANGED = True\n")
    of_metric = run(folder, config, records)
    config["methods"]["tenths_1"]["length"] = 0.15
    (folder / "sweep.yaml").write_text(json.dumps(config))
    changed = job_counts(snakemake(folder, "-n", "-q", "rules", "--configfile", "sweep.yaml"))
    core_seconds = {
        "by_the_clock": first["seconds"] * CORES,
        "of_the_processor": first["cpu_seconds"] + first["cpu_seconds_of_jobs"],
    }
    return {
        "cells": made,
        "jobs": len(jobs),
        "cores": CORES,
        "run": first,
        "core_seconds_per_job": {kind: seconds / len(jobs) for kind, seconds in core_seconds.items()},
        "core_seconds_per_cell": {kind: seconds / made for kind, seconds in core_seconds.items()},
        "rules": by_rule(jobs),
        "again": again,
        "a_changed_metric": of_metric,
        "jobs_of_a_changed_option": changed,
    }


def run(folder: Path, config: dict[str, Any], records: Path) -> dict[str, float]:
    """Return wall seconds of the command, processor seconds of its own process and of its jobs, and its peak memory."""
    (folder / "sweep.yaml").write_text(json.dumps(config))
    with (folder / "output.txt").open("w") as output:
        started = time.perf_counter()
        running = subprocess.Popen(
            [*SNAKEMAKE, "--cores", str(CORES), "--configfile", "sweep.yaml"],
            cwd=folder,
            env={**os.environ, "UNPOISON_JOB_RECORDS": str(records), "PYTHONDONTWRITEBYTECODE": ""},
            stdout=output,
            stderr=output,
        )
        process, own = psutil.Process(running.pid), {"cpu_seconds": 0.0, "megabytes": 0.0}
        while not (ended := os.wait4(running.pid, os.WNOHANG))[0]:
            with suppress(psutil.Error):
                spent, memory = process.cpu_times(), process.memory_info()
                own["cpu_seconds"] = spent.user + spent.system
                own["megabytes"] = max(own["megabytes"], memory.rss / 2**20)
            time.sleep(POLL)
        seconds = time.perf_counter() - started
    _, status, usage = ended
    assert status == 0, (folder / "output.txt").read_text()[-3000:]
    of_jobs = (
        usage.ru_utime + usage.ru_stime - own["cpu_seconds"]
    )  # includes the warm process, which ends with the run
    return {"seconds": seconds, **own, "cpu_seconds_of_jobs": of_jobs}


def by_rule(jobs: list[Job]) -> dict[str, dict[str, float]]:
    """Return for each rule its jobs, their mean seconds from Python's start to its end, and their peak memory."""
    found: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        found[job.rule].append(job)
    return {
        rule: {
            "jobs": len(each),
            "seconds": sum(job.compute_seconds + job.import_seconds for job in each) / len(each),
            "megabytes": max(job.peak_mb for job in each),
        }
        for rule, each in sorted(found.items())
    }


def main() -> None:
    """Print the figures as JSON."""
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory(prefix="unpoison-sweep-") as scratch:
        found = measure(cells, Path(scratch))
    rounded = json.loads(json.dumps(found), parse_float=lambda text: round(float(text), 2))
    print(json.dumps(rounded, indent=1))


if __name__ == "__main__":
    main()
