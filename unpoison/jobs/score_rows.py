"""Score every training row with one detector."""

from typing import Any

from unpoison.jobs.job import Job
from unpoison.jobs.record import write_record
from unpoison.outputs import read_outputs
from unpoison.scores import write_scores
from unpoison.steps.scoring import score_rows
from unpoison.weights import load_model


def main(snakemake: Any) -> None:
    """Score the rows."""
    job = Job(snakemake)
    spec = job.spec
    scores, cost, validation = score_rows(
        job.data,
        load_model(snakemake.input.model),
        spec["detector"],
        spec["options"],
        job.setting(),
        recipe=job.recipe,
        triggered_examples=spec["triggered_examples"],
        outputs=read_outputs(snakemake.input.outputs, job.data.rows),
    )
    write_scores(snakemake.output.scores, job.data.rows.of("train"), validation, scores)
    write_record(snakemake, "score_rows", device=job.device_name(), cost=cost)
