"""Helpers of the SLURM tests: the command, the queue, the submissions, and stopping and starting daemons."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.study import ROOT, copy_project

HERE = Path(__file__).parent
CLUSTER = Path(os.environ.get("TOY_BASE", Path(tempfile.gettempdir()) / "one-machine-slurm"))
PATIENCE = 1800  # seconds: a run that loses track of its jobs waits for ever


@dataclass(frozen=True)
class Submission:
    """The requested and allocated resources of one SLURM job of a run."""

    rules: str
    state: str
    minutes: int  # time limit
    seconds: int  # elapsed time
    cores: int
    megabytes: int
    gpus: int


def command(*arguments: str) -> list[str]:
    """Return the Snakemake command with profiles/slurm; this machine's settings come last and override it."""
    sizes = ("slurm_partition=main", "mem_mb=600", "runtime=10", "at_once=1")
    return [
        *(sys.executable, "-m", "snakemake", "--profile", str(ROOT / "profiles" / "slurm"), *arguments),
        *("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10"),
        *("--default-resources", *sizes),
    ]


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen:
    """Start a SLURM run in a folder, with its output in run.log."""
    with (folder / "run.log").open("a") as log:
        return subprocess.Popen(
            command(*arguments),
            cwd=folder,
            env=os.environ | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def ends(running: subprocess.Popen) -> int:
    """Return the run's exit status; kill a run that takes too long, so that later tests can run."""
    try:
        return running.wait(timeout=PATIENCE)
    finally:
        running.kill()


def run(folder: Path, *arguments: str, **environment: str) -> str:
    """Run to the end, require exit status 0, and return the output."""
    status = ends(start(folder, *arguments, **environment))
    said = (folder / "run.log").read_text()
    assert status == 0, said
    return said


def wait_until(holds: Callable[[], object], running: subprocess.Popen | None = None) -> None:
    """Wait until the condition holds; fail if the given run ends first."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert running is None or running.poll() is None, "the run ended first"
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.3)


def project_in(folder: Path, study: dict) -> Path:
    copy_project(folder)
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    return folder


def ask(*arguments: str) -> str:
    return subprocess.run(arguments, capture_output=True, text=True, check=False).stdout


def run_ids(folder: Path) -> list[str]:
    """Return the run ids that the plugin gave the runs in a folder; they are also the names of the jobs."""
    return re.findall(r"SLURM run ID: (\S+)", (folder / "run.log").read_text())


def queue(folder: Path, *states: str) -> list[str]:
    """Return the ids of a folder's jobs that are pending or running, or in the given states."""
    ids = run_ids(folder)
    chosen = ("--states", ",".join(states)) if states else ()
    return (
        ask("squeue", "--noheader", "--format", "%A", "--name", ",".join(ids), *chosen).split() if ids else []
    )


def submissions(folder: Path) -> list[Submission]:
    """Return all submissions of a folder's runs, from SLURM's accounting."""
    fields = "Comment,State,TimelimitRaw,ElapsedRaw,ReqTRES"
    chosen = ("--allusers", "--allocations", "--starttime", "now-2days", "--name", ",".join(run_ids(folder)))
    lines = ask("sacct", *chosen, "--noheader", "--parsable2", "--format", fields).splitlines()
    return [_submission(line) for line in lines]


def _submission(line: str) -> Submission:
    comment, state, minutes, seconds, held = line.split("|")
    amounts = dict(amount.split("=") for amount in held.split(","))
    return Submission(
        rules=comment.removeprefix("rule_"),
        state=state.split()[0],  # without the suffix of "CANCELLED by 0"
        minutes=int(minutes),
        seconds=int(seconds),
        cores=int(amounts["cpu"]),
        megabytes=int(amounts["mem"].removesuffix("M")),
        gpus=int(amounts.get("gres/gpu", 0)),
    )


def stop_head(*daemons: str) -> None:
    """Stop daemons that start.sh started, as if the head node went down."""
    for daemon in daemons:
        pid = int(_pid_file(daemon).read_text())
        os.kill(pid, signal.SIGTERM)
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.1)


def start_head(*daemons: str) -> None:
    """Restart daemons as start.sh does, detached from this process; stop.sh finds each by its pid file."""
    for daemon in daemons:
        log = CLUSTER / "log" / f"{daemon}.out"
        detached = f'setsid /usr/sbin/{daemon} -D </dev/null >>"{log}" 2>&1 & echo $! >"{_pid_file(daemon)}"'
        subprocess.run(["bash", "-c", detached], check=True)


def _pid_file(daemon: str) -> Path:
    return CLUSTER / "run" / f"{daemon}.pid"
