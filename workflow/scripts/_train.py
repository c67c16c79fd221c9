"""The training of a network in a role, to its weights, history and record."""

from pathlib import Path
from typing import Any

from _inputs import check_content
from _job import Job
from _record import write_record
from unpoison.steps.training import given_model, train_model
from unpoison.steps.trying import try_on, warn_of_pretrained
from unpoison.training import write_history
from unpoison.weights import save_model


def train_as(snakemake: Any, role: str) -> None:
    """Train by the job's recipe: the base model, the oracle or the attacker's surrogate."""
    job = Job(snakemake)
    try_on(job.architecture.new(seed=0), job.data)
    if job.architecture.name == "python":
        warn_of_pretrained(job.architecture)
    if given := snakemake.params.get("weights"):
        check_content("the weights", Path(given).parent, [given], job.spec["weights"])
        model, history = given_model(given, job.architecture, job.recipe), []
    else:
        model, history = train_model(job.data, job.architecture, job.recipe, job.setting(), role=role)
    save_model(snakemake.output.model, model)
    write_history(snakemake.output.history, history)
    cost = {
        "seconds": sum(epoch.seconds for epoch in history),
        "image_passes": sum(epoch.images for epoch in history),
        "forward_passes": 0,
    }
    write_record(snakemake, device=job.device_name(), **cost)
