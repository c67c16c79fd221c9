"""Measure one model on the clean and the adversarial test and on the training rows."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from unpoison.costs import Cost
from unpoison.damage import DamagedError
from unpoison.deletion import NO_DELETION, read_deletion
from unpoison.evaluation import metrics_table
from unpoison.files import read_json, write_columns
from unpoison.jobs.job import Job
from unpoison.jobs.record import write_record
from unpoison.steps.measuring import measure_model
from unpoison.weights import load_model


def main(snakemake: Any) -> None:
    """Measure the model."""
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
    measurements = measure_model(job.data, model, deletion, cost, job.spec["precision"])
    write_columns(snakemake.output.metrics, metrics_table(measurements, deletion), notes=job.spec["identity"])
    write_record(snakemake, "evaluate", device=job.device_name())
