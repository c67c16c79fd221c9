"""Measure one model on the clean and the adversarial test and on the training rows."""

from dataclasses import fields
from pathlib import Path

from _job import Job
from _record import write_record
from unpoison.asking import ask
from unpoison.contracts.deletion import NO_DELETION
from unpoison.costs import Cost
from unpoison.damage import DamagedError
from unpoison.deletion import read_deletion
from unpoison.files import read_json, write_columns
from unpoison.steps.measuring import measure, metrics_table
from unpoison.weights import load_model

job = Job(snakemake)
model = load_model(snakemake.input.model).to(job.device)
deletion = read_deletion(snakemake.input.deletion) if snakemake.input.get("deletion") else NO_DELETION
run = read_json(snakemake.input.run)
names = [field.name for field in fields(Cost)]
for name in names:
    if name not in run:
        fault = f"is of another version: it does not tell '{name}'"
        raise DamagedError(Path(snakemake.input.run), fault=fault)
free = job.spec["identity"]["method"] == "do_nothing"
cost = Cost(0.0, 0, 0) if free else Cost(**{name: run[name] for name in names})
answers = ask(job.data, model, job.spec["precision"])
measurements = measure(job.data.rows, answers, deletion, cost)
write_columns(snakemake.output.metrics, metrics_table(measurements, deletion), notes=job.spec["identity"])
write_record(snakemake, device=job.device_name())
