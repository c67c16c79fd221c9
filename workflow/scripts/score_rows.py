"""Score every training row with one detector."""

from dataclasses import asdict

from _job import Job
from _record import write_record
from unpoison.scores import write_scores
from unpoison.steps.scoring import score_rows
from unpoison.weights import load_model

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
)
write_scores(snakemake.output.scores, job.data.rows.of("train"), validation, scores)
write_record(snakemake, device=job.device_name(), **asdict(cost))
