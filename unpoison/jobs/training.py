"""The parts that all training jobs share: the training itself, and its record."""

from collections.abc import Sequence
from typing import Any

from unpoison.costs import Cost
from unpoison.jobs.job import Job
from unpoison.jobs.record import write_record
from unpoison.networks import Classifier
from unpoison.steps.training import train_model
from unpoison.steps.trying import check_untrained
from unpoison.training import Epoch, write_history


def trained(job: Job) -> tuple[Classifier, list[Epoch]]:
    """Return the network of the job, trained in its role by its recipe, and the epochs."""
    check_untrained(job.architecture, job.data)
    return train_model(job.data, job.architecture, job.recipe, job.setting(), role=job.spec["role"])


def write_training(snakemake: Any, job: Job, history: Sequence[Epoch]) -> None:
    """Write the epochs and the record of a training, when all its other outputs are there."""
    write_history(snakemake.output.history, history)
    cost = Cost(sum(epoch.seconds for epoch in history), sum(epoch.images for epoch in history), 0)
    write_record(snakemake, f"train_{job.spec['role']}", device=job.device_name(), cost=cost)
