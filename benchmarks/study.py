"""A study run from scratch in a copy of the project, with a clock in each of its jobs."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.team import ROOT

PARTS = ("Snakefile", "workflow", "unpoison", "config", "profiles", "envs")


@dataclass(frozen=True)
class Job:
    """The time and memory of one job. Compute: from Python's start to its end without the seconds of imports."""

    rule: str
    wildcards: dict[str, str]
    compute_seconds: float
    import_seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Run:
    """A finished study: the wall seconds of its `snakemake` command, and its jobs."""

    seconds: float
    cores: int
    jobs: list[Job]

    @property
    def compute_seconds(self) -> float:
        return sum(job.compute_seconds for job in self.jobs)

    @property
    def overhead(self) -> float:
        """Return the core seconds of the run over the core seconds of computation."""
        return self.seconds * self.cores / self.compute_seconds


def run_study(config: dict[str, Any] | str, cores: int, *arguments: str) -> Run:
    """Run a config, or the file of one, and return the time and memory of the run and of its jobs.

    Args:
        arguments: more of the `snakemake` command.
    """
    with TemporaryDirectory(prefix="unpoison-bench-") as place:
        folder, records = Path(place) / "project", Path(place) / "records"
        copy_project(folder)
        shutil.copy2(
            Path(__file__).with_name("job_clock.py"), folder / "sitecustomize.py"
        )  # loaded by every job
        records.mkdir()
        if not isinstance(config, str):
            (folder / "bench.yaml").write_text(json.dumps(config))  # JSON is YAML
            config = "bench.yaml"
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "--cores",
            str(cores),
            "--configfile",
            config,
            *arguments,
        ]
        started = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"UNPOISON_JOB_RECORDS": str(records)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        if done.returncode:
            sys.exit(f"{done.stdout}\nerror: the measured study failed")
        jobs = [Job(**json.loads(path.read_text())) for path in records.iterdir()]
        return Run(seconds, cores, jobs)


def copy_project(folder: Path) -> None:
    """Copy the workflow and the package of this checkout."""
    folder.mkdir(exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / part)
