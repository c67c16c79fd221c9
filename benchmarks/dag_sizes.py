"""The cost of the DAG at several sizes: `benchmarks/dag.py`, dry runs and reruns that change nothing."""

import json
import subprocess
import sys
from typing import Any

from benchmarks.team import ROOT

DRY_RUNS = {1_000: 3, 5_000: 3, 20_000: 2}  # jobs: rounds
RERUNS = {1_000: 3, 5_000: 2}


def measure() -> dict[str, Any]:
    """Return `dag`: seconds, megabytes and ratio to a bare workflow, by number of jobs, for both kinds of run."""
    return {
        "dag": {
            "dry_run": {str(jobs): cost(jobs, rounds) for jobs, rounds in DRY_RUNS.items()},
            "no_change_rerun": {str(jobs): cost(jobs, rounds, rerun=True) for jobs, rounds in RERUNS.items()},
        }
    }


def measure_full() -> dict[str, Any]:
    """Return the same, with a dry run of 100,000 jobs."""
    figures = measure()
    figures["dag"]["dry_run"]["100000"] = cost(100_000, rounds=1)
    return figures


def cost(jobs: int, rounds: int, *, rerun: bool = False) -> dict[str, Any]:
    """Return the cost of one size: ours, with its ratio to the bare workflow.

    It runs in a separate process, since the kernel counts the parent's memory in a child's peak, and this process has
    loaded torch.
    """
    command = [sys.executable, "-m", "benchmarks.dag", str(jobs), "--rounds", str(rounds)]
    options = ["--rerun"] if rerun else []
    done = subprocess.run([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    ours, ratio = found["ours"], found["ratio"]["seconds"]["median"]
    name = f"{jobs} jobs{', rerun' if rerun else ''}"
    print(
        f"  {name}: {ours['seconds']:.1f} s, {ratio:.2f} times bare; {ours['megabytes']:.0f} MB", flush=True
    )
    return {**ours, **{key: found[key] for key in ("ratio", "bare", "jobs", "rounds")}}
