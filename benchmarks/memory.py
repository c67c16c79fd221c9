"""The peak memory of a training job: real jobs of the workflow, 5,000 images of 32 x 32 pixels.

It is the peak of the job's resident memory, compared with that of a Python process that only imports torch.
Ten steps of batch 128 reach the peak; each round is a seed.
"""

import subprocess
import sys
from typing import Any

from benchmarks.orchestration import STUDY
from benchmarks.spread import spread
from benchmarks.study import run_study
from benchmarks.team import CORES, ROOT

WIDTHS = (16, 64)
ROUNDS = 3
IMPORT = "import torch; from benchmarks.job_clock import peak_mb; print(peak_mb())"


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Return `training_peak_mb` by width, with its ratio to a bare import."""
    jobs = run_study(study(rounds), CORES, "--until", "train_base").jobs
    imports = [
        float(
            subprocess.run([sys.executable, "-c", IMPORT], cwd=ROOT, capture_output=True, check=True).stdout
        )
        for _ in range(rounds)
    ]
    figures = {}
    for width in WIDTHS:
        name = f"width{width}"
        peaks = [job.peak_mb for job in jobs if job.wildcards.get("training") == name]
        ratios = [peak / bare for peak, bare in zip(peaks, imports, strict=True)]
        figures[str(width)] = {**spread(peaks), "ratio_to_import_torch": spread(ratios)}
    return {"training_peak_mb": figures, "import_torch_mb": spread(imports)}


def study(seeds: int) -> dict[str, Any]:
    """Return the study of the orchestration figure with a short training of each width."""
    shape = STUDY["studies"]["false_positives"]
    return STUDY | {
        "recipes": {"quick": {"iterations": 10, "batch_size": 128, "learning_rate": 0.05}},
        "trainings": {f"width{width}": {"width": width, "recipe": "quick"} for width in WIDTHS},
        "studies": {
            f"width{width}": shape | {"training": f"width{width}", "seeds": seeds} for width in WIDTHS
        },
        "figures": {},
    }
