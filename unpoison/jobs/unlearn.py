"""Unlearn a deletion set with one method, or repair with trusted rows if the method takes no deletion set."""

from dataclasses import replace
from typing import Any

from unpoison.contracts.deletion import NO_DELETION
from unpoison.deletion import read_deletion
from unpoison.jobs.job import Job
from unpoison.jobs.models import leave_model
from unpoison.jobs.record import write_record
from unpoison.jobs.tuned import options_of, tuning_passes
from unpoison.steps.repairing import in_words, repair_model, request_of
from unpoison.weights import load_model


def main(snakemake: Any) -> None:
    """Make the repaired model, and keep its answers."""
    job = Job(snakemake)
    tuned = snakemake.input.get("tuned")
    options = options_of(job.spec, tuned)
    model = load_model(snakemake.input.model)
    deletion = read_deletion(snakemake.input.deletion) if snakemake.input.get("deletion") else NO_DELETION
    request = request_of(job.data, model, deletion.rows, job.recipe, job.setting())
    repaired, cost = repair_model(request, job.spec["method"], options)
    leave_model(snakemake, job, repaired, deletion.rows)
    cost = replace(cost, tuning_passes=tuning_passes(job.spec, tuned))
    spec = {**job.spec, "options": options}
    write_record(snakemake, "unlearn", spec=spec, device=job.device_name(), cost=cost)
    print(in_words(cost))
