"""Score every training row with one detector."""

from dataclasses import asdict

from _job import Job
from _record import write_record
from unpoison.detectors import DETECTORS
from unpoison.attacks import set_triggered_aside
from unpoison.contracts.evidence import Evidence
from unpoison.running import run_detector
from unpoison.models import load_model
from unpoison.recipes import Recipe
from unpoison.scores import write_scores

job = Job(snakemake)
train = job.rows.of("train")
triggered, validation = set_triggered_aside(job.rows, job.spec["triggered_examples"], job.spec["seed"])
evidence = Evidence(
    model=load_model(snakemake.input.model).to(job.device),
    new_model=job.new_model,
    training=job.examples(train),
    validation=job.examples(validation),
    triggered=job.examples(triggered),
    training_ids=train.row_id,
    validation_ids=validation.row_id,
    class_names=train.class_names,
    recipe=Recipe(**job.spec["recipe"]),
    seed=job.seed("detect"),
    precision=job.spec["precision"],
)
scores, cost = run(DETECTORS[job.spec["detector"]], evidence, job.spec["options"])
write_scores(snakemake.output.scores, train, validation, scores)
write_record(snakemake, device=job.device_name(), **asdict(cost))
