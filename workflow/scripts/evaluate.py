"""Measure one model on the clean and the adversarial test and on the training rows."""

from pathlib import Path

from _job import Job
from _record import write_record
from unpoison.damage import DamagedError
from unpoison.deletion import NO_DELETION, read_deletion
from unpoison.evaluation import Measurement, evaluate, metrics_table, of_detector
from unpoison.files import read_json, write_columns
from unpoison.models import load_model
from unpoison.prediction import predict_all

COSTS = {"unlearning_seconds": "seconds", "image_passes": "image_passes", "forward_passes": "forward_passes"}

job = Job(snakemake)
model = load_model(snakemake.input.model).to(job.device)
deletion = read_deletion(snakemake.input.deletion) if snakemake.input.get("deletion") else NO_DELETION
predictions = predict_all(model, job.images, job.rows, job.stamp, job.spec["precision"])
run = read_json(snakemake.input.run)
for key in set(COSTS.values()) - set(run):
    fault = f"is of another version: it does not tell '{key}'"
    raise DamagedError(Path(snakemake.input.run), fault=fault)
free = job.spec["identity"]["method"] == "do_nothing"
measurements = [
    *evaluate(job.rows, deletion.rows, predictions),
    *of_detector(deletion),
    *(Measurement(metric, None, 0.0 if free else float(run[key])) for metric, key in COSTS.items()),
]
write_columns(snakemake.output.metrics, metrics_table(measurements, deletion), notes=job.spec["identity"])
write_record(snakemake, device=job.device_name())
