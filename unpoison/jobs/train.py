"""Train a network in a role, to its weights, its answers and its history."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from unpoison.answers import write_answers
from unpoison.asking import ask
from unpoison.costs import Cost
from unpoison.jobs.inputs import check_content
from unpoison.jobs.job import Job
from unpoison.jobs.record import write_record
from unpoison.steps.training import given_model, train_model
from unpoison.steps.trying import check_untrained
from unpoison.training import Epoch, write_history
from unpoison.weights import save_model


def main(snakemake: Any) -> None:
    """Train by the job's recipe: the base model, the oracle or the attacker's surrogate."""
    job = Job(snakemake)
    data, architecture, recipe, setting = job.data, job.architecture, job.recipe, job.setting()
    role = job.spec["role"]
    check_untrained(architecture, data)
    if given := snakemake.params.get("weights"):
        check_content("the weights", Path(given).parent, [given], job.spec["weights"])
        model, history = given_model(given, data, architecture, recipe, setting), list[Epoch]()
    else:
        model, history = train_model(data, architecture, recipe, setting, role=role)
    if snakemake.output.get("model"):
        save_model(snakemake.output.model, model)
    if role != "surrogate":
        write_answers(snakemake.output.answers, ask(data, model, setting.precision))
    write_history(snakemake.output.history, history)
    cost = Cost(sum(epoch.seconds for epoch in history), sum(epoch.images for epoch in history), 0)
    write_record(snakemake, f"train_{role}", device=job.device_name(), **asdict(cost))
