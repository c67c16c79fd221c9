"""Stands in for evaluation: all metrics of a model that guesses; its cell decides how often it is right."""

from zlib import crc32

import numpy as np

import __main__
from unpoison.deletion import NO_DELETION, read_deletion
from unpoison.evaluation import Measurement, Predictions, attacked_rows, evaluate, metrics_table
from unpoison.files import read_json, write_columns
from unpoison.jobs.log import begin
from unpoison.jobs.record import write_record
from unpoison.rows import Rows, read_rows

COSTS = {"unlearning_seconds": "seconds", "image_passes": "image_passes", "forward_passes": "forward_passes"}

job = __main__.snakemake
begin(job.log[0])
identity = job.params.spec["identity"]
rng = np.random.default_rng(crc32(repr(identity).encode()))
right = rng.uniform(0.5, 0.9)


def guess(rows: Rows) -> np.ndarray:
    """A label for each row."""
    others = rng.integers(len(rows.class_names), size=len(rows))
    return np.where(rng.random(len(rows)) < right, rows.label, others)


rows, run = read_rows(job.input.rows), read_json(job.input.run)
train, test = rows.of("train"), rows.of("test")
deletion = read_deletion(job.input.deletion) if job.input.get("deletion") else NO_DELETION
predictions = Predictions(*map(guess, (test, attacked_rows(test), train.take(train.is_poisoned), train)))
measurements = [
    *evaluate(rows, deletion.rows, predictions),
    *(Measurement(metric, None, float(run[key])) for metric, key in COSTS.items()),
]
write_columns(job.output.metrics, metrics_table(measurements, deletion), notes=identity)
write_record(job, "evaluate")
