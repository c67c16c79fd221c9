"""Score every training row with one detector."""

from dataclasses import asdict

from _job import Job
from _record import write_record
from unpoison.attacks import set_triggered_aside
from unpoison.scores import write_scores
from unpoison.steps.scoring import score_rows
from unpoison.weights import load_model

job = Job(snakemake)
spec, rows = job.spec, job.data.rows
scores, cost = score_rows(
    job.data,
    load_model(snakemake.input.model),
    spec["detector"],
    spec["options"],
    job.setting(),
    recipe=job.recipe,
    triggered_examples=spec["triggered_examples"],
)
_, validation = set_triggered_aside(rows, spec["triggered_examples"], spec["seed"])
write_scores(snakemake.output.scores, rows.of("train"), validation, scores)
write_record(snakemake, device=job.device_name(), **asdict(cost))
