"""The estimate of a run: jobs of each rule, hours and gigabytes, by a dry run and a few measured training steps."""

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from statistics import mean

from unpoison.errors import UserError
from unpoison.rules import NETWORKS, ON_GPU
from unpoison.runs.gpu import gpu_tag
from unpoison.runs.starting import snakemake_command
from unpoison.study.plan import Plan
from unpoison.study.records import Dataset, Training
from unpoison.study.studies import Cell, range_of

START = 4.0  # seconds to start a job's process, torch included
BYTES = 4  # of a weight


def jobs_left(arguments: Sequence[str]) -> dict[str, int]:
    """Return the number of jobs of each rule that are left, by a dry run of these configs and keys.

    Raises:
        UserError: where Snakemake refuses the config.
    """
    command = snakemake_command(arguments, "-n", "--nolock")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    if done.returncode:
        raise UserError(f"the dry run failed: {output.strip().splitlines()[-1]}")
    found = re.findall(r"^(\w+) +(\d+)$", output.split("Job stats:")[-1], flags=re.MULTILINE)
    return {rule: int(count) for rule, count in found if rule not in ("total", "all")}


def estimate(
    plan: Plan, jobs: dict[str, int], calibrate: Callable[[str], tuple[float, int]]
) -> Iterator[str]:
    """Yield the lines of the estimate.

    Args:
        calibrate: returns for a training the seconds of one optimiser step and the number of its network's weights.
    """
    for rule, count in jobs.items():
        yield f"{rule:<24}{count:>8}"
    yield f"{'jobs left':<24}{sum(jobs.values()):>8}"
    models = {(cell.dataset, cell.seed, cell.poison, cell.training) for cell in plan.all_cells}
    trainings = sorted({training for *_, training in models})
    measured = {training: calibrate(training) for training in trainings}
    seconds = mean(
        measured[training][0] * _steps(plan, plan.datasets[dataset], plan.trainings[training])
        for dataset, _, _, training in models
    )
    networks = sum(jobs.get(rule, 0) for rule in NETWORKS)
    given = mean(plan.trainings[training].weights is not None for *_, training in models)
    trained = networks - given * jobs.get("train_base", 0)
    for name, study in plan.studies.items():
        if study.adaptive:
            few, many = range_of(study)
            hours = " to ".join(f"{networks * seconds / 3600:.2g}" for networks in (few, many))
            yield (
                f"study {name} is adaptive: only its next round is counted; the whole study takes {few} to {many} "
                f"networks, about {hours} hours of training"
            )
    core, gpu = _hours(plan, jobs, trained * seconds)
    kept = networks if plan.settings.keep_models == "all" else jobs.get("train_base", 0)
    weights = kept * mean(measured[training][1] for training in trainings) * BYTES
    yield f"about {core:.2g} core-hours of jobs without a GPU ({seconds:.0f} s a training on this machine's device)"
    yield f"about {gpu:.2g} GPU-hours of jobs with one"
    yield f"about {(weights + _image_bytes(plan)) / 1e9:.2g} GB of models and images in {plan.settings.results_folder}"
    yield (
        "Not known: the time of each method (counted as one whole training), of questions and detectors beyond the "
        "start of their jobs, of tuning, and of waiting for other programs."
    )


def _hours(plan: Plan, jobs: dict[str, int], training: float) -> tuple[float, float]:
    """Return core-hours of jobs without a GPU, and GPU-hours of the others; training: seconds of all networks."""
    tagged = sum(jobs.get(rule, 0) for rule in ON_GPU)
    rest = START * (sum(jobs.values()) - tagged)
    networks = training + START * tagged
    if gpu_tag(plan.settings.device, runs_here=True):
        return rest / 3600, networks / 3600
    return (rest + plan.settings.threads * networks) / 3600, 0.0


def _steps(plan: Plan, dataset: Dataset, training: Training) -> int:
    recipe, rows = training.recipe, sum(plan.counts.training(dataset).values())
    return int(recipe.get("iterations") or recipe["epochs"] * -(-rows // recipe["batch_size"]))


def _image_bytes(plan: Plan) -> int:
    """Return the bytes of all training images of the sources that are used; test images are not counted."""
    sources = {plan.datasets[cell.dataset].source for cell in plan.all_cells}
    return sum(sum(plan.counts.peek(source).counts.values()) * 3 * source.image_size**2 for source in sources)


def example_cell(plan: Plan, training: str) -> Cell:
    """Return a cell that uses a training; its data set gives the classes and the image size."""
    return next(cell for cell in plan.all_cells if cell.training == training)
