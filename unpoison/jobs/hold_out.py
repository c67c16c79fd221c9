"""Repair without one fold of the flagged rows, and ask the repaired model about the fold."""

from typing import Any

from unpoison.answers import write_answers
from unpoison.deletion import read_deletion
from unpoison.held_out import folds_of
from unpoison.jobs.job import Job
from unpoison.jobs.record import write_record
from unpoison.jobs.tuned import options_of
from unpoison.steps.holding_out import answers_without
from unpoison.weights import load_model


def main(snakemake: Any) -> None:
    """Write the answers of one fold; the model is not kept, as no job reads it."""
    job = Job(snakemake)
    spec, flagged = job.spec, read_deletion(snakemake.input.deletion).rows
    fold_of = folds_of(job.data.rows.of("train"), flagged, spec["folds"], spec["seed"])
    method = (spec["method"], options_of(spec, snakemake.input.get("tuned")))
    model = load_model(snakemake.input.model)
    answers, cost = answers_without(
        job.data,
        model,
        flagged,
        fold_of,
        spec["fold"],
        method=method,
        recipe=job.recipe,
        setting=job.setting(),
    )
    write_answers(snakemake.output.answers, answers)
    write_record(
        snakemake, "hold_out", spec={**spec, "options": method[1]}, device=job.device_name(), cost=cost
    )
