"""The overhead of a study: wall seconds x cores over the jobs' own compute seconds.

    python -m benchmarks.orchestration config/cifar10_cpu.yaml --config data_folder=<absolute folder>

measures any other config, run from scratch in a temporary copy of the project.

A job's own compute seconds are those from the start of its Python to its end, without the seconds spent in
import statements anywhere. So the overhead contains Snakemake, the start of interpreters, imports (including
PyTorch's own while a network trains), and idle cores. Wall seconds are those of the whole `snakemake` command.
"""

import sys
from typing import Any

from benchmarks.spread import spread
from benchmarks.study import Run, run_study
from benchmarks.team import CORES

ROUNDS = 2
TEN_CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
# The shape of config/cifar10_cpu.yaml on generated images: width 16, trainings of 25,600 image passes.
STUDY: dict[str, Any] = {
    "results_folder": "results",
    "sources": {"generated": {"train_per_class": 500, "test_per_class": 100}},
    "datasets": {"ten_classes": {"source": "generated", "keep": dict.fromkeys(TEN_CLASSES, 1.0)}},
    "poisons": {"patch": {"count": 150, "target": "airplane"}},
    "recipes": {"quick": {"iterations": 200, "batch_size": 128, "learning_rate": 0.05, "warmup": 0.2}},
    "trainings": {"resnet9": {"width": 16, "recipe": "quick"}},
    "deletions": {"everything_found": {"recall": 1.0}},
    "methods": {"retrain": {}, "finetune": {"length": 0.25}},
    "studies": {
        "false_positives": {
            "dataset": "ten_classes",
            "poison": "patch",
            "training": "resnet9",
            "vary": {"deletion.fpr": [0.0, 0.2]},
            "deletions": ["everything_found"],
            "methods": ["retrain", "finetune"],
            "seeds": 2,
        }
    },
    "figures": {"false_positives": {"studies": ["false_positives"]}},
}


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Return `orchestration_overhead`, and its parts."""
    runs = []
    for number in range(1, rounds + 1):
        runs.append(run_study(STUDY, CORES))
        print(f"  round {number}: {described(runs[-1])}", flush=True)
    return {
        "orchestration_overhead": spread([run.overhead for run in runs]),
        "orchestration_details": {
            "jobs": len(runs[0].jobs),
            "cores": CORES,
            "wall_seconds": spread([run.seconds for run in runs]),
            "compute_seconds": spread([run.compute_seconds for run in runs]),
            "import_seconds": spread([sum(job.import_seconds for job in run.jobs) for run in runs]),
        },
    }


def described(run: Run) -> str:
    """Return one run in a line."""
    return (
        f"{run.overhead:.2f} = {run.seconds:.1f} s x {run.cores} cores / {run.compute_seconds:.1f} s of "
        f"{len(run.jobs)} jobs (and {sum(job.import_seconds for job in run.jobs):.1f} s importing)"
    )


if __name__ == "__main__":
    print(described(run_study(sys.argv[1], CORES, *sys.argv[2:])))
