"""Stands in for training and unlearning: no weights, and the record of a job that took no time."""

from pathlib import Path

import __main__
from unpoison.files import write_columns
from unpoison.jobs.log import begin
from unpoison.jobs.record import write_record

EPOCH = {
    "epoch": [1],
    "learning_rate": [0.1],
    "loss": [0.5],
    "train_accuracy": [0.9],
    "validation_accuracy": [0.8],
    "seconds": [0.0],
    "images": [1],
}

job = __main__.snakemake
begin(job.log[0])
Path(job.output.model).write_bytes(b"no weights")
if job.output.get("history"):
    write_columns(job.output.history, EPOCH)
write_record(job, job.rule, seconds=0.0, image_passes=1, forward_passes=0)
