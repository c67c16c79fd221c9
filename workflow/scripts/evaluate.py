"""Measure one model on the clean and the adversarial test and on the training rows."""

from _job import Job
from unpoison.deletion import NO_DELETION, read_deletion
from unpoison.evaluation import Measurement, evaluate, metrics_table
from unpoison.files import read_json, write_columns
from unpoison.models import load_model
from unpoison.prediction import predict_all

job = Job(snakemake)
model = load_model(snakemake.input.model).to(job.device)
deletion = read_deletion(snakemake.input.deletion) if snakemake.input.get("deletion") else NO_DELETION
predictions = predict_all(model, job.images, job.rows, job.stamp, job.spec["precision"])
run = read_json(snakemake.input.run)
cost = run if job.spec["identity"]["method"] != "do_nothing" else {"seconds": 0.0, "image_passes": 0}
measurements = [
    *evaluate(job.rows, deletion.rows, predictions),
    Measurement("unlearning_seconds", None, float(cost["seconds"])),
    Measurement("image_passes", None, float(cost["image_passes"])),
]
write_columns(snakemake.output.metrics, metrics_table(measurements, deletion), notes=job.spec["identity"])
