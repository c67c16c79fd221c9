"""The training of a network on some of a job's rows, to its weights, history and record."""

from typing import Any

from _job import Job
from _record import write_record
from unpoison.models import save_model
from unpoison.recipes import Recipe
from unpoison.rows import Rows
from unpoison.training import train, write_history


def train_on(snakemake: Any, job: Job, rows: Rows) -> None:
    """Train by the job's recipe, from weights and in batches that are its role's own."""
    model = job.new_model(job.seed(job.spec["role"]))
    history = train(
        model,
        job.examples(rows),
        Recipe(**job.spec["recipe"]),
        job.seed(job.spec["role"]),
        precision=job.spec["precision"],
        validation=job.examples(job.rows.of("validation")),
    )
    names = job.rows.class_names
    save_model(
        snakemake.output.model, model, name=job.model_name, options=job.model_options, class_names=names
    )
    write_history(snakemake.output.history, history)
    cost = {
        "seconds": sum(epoch.seconds for epoch in history),
        "image_passes": sum(epoch.images for epoch in history),
        "forward_passes": 0,
    }
    write_record(snakemake, device=job.device_name(), **cost)
