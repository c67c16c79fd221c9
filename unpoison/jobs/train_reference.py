"""Train the reference of held-out checks: a network that saw none of the rows that a fold leaves out."""

from typing import Any

from unpoison.answers import write_answers
from unpoison.deletion import read_deletion
from unpoison.held_out import FEWEST_FOLDS, folds_of
from unpoison.jobs.job import Job
from unpoison.jobs.record import write_record
from unpoison.steps.holding_out import REFERENCE, answers_without
from unpoison.weights import load_model


def main(snakemake: Any) -> None:
    """Write the answers about the rows of all folds."""
    job = Job(snakemake)
    flagged = read_deletion(snakemake.input.deletion).rows
    # The rows that are left out do not depend on the number of folds.
    fold_of = folds_of(job.data.rows.of("train"), flagged, FEWEST_FOLDS, job.spec["seed"])
    model = load_model(snakemake.input.model)
    answers, cost = answers_without(
        job.data,
        model,
        flagged,
        fold_of,
        None,
        method=REFERENCE,
        recipe=job.recipe,
        setting=job.setting(),
    )
    write_answers(snakemake.output.answers, answers)
    write_record(snakemake, "train_reference", device=job.device_name(), cost=cost)
