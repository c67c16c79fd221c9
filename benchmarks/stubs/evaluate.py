"""Stands in for evaluation: all metrics of a model that guesses; its cell decides how often it is right."""

from zlib import crc32

import numpy as np

import __main__
from _log import begin
from _record import write_record
from unpoison.answers import Answers, questions
from unpoison.contracts.deletion import NO_DELETION
from unpoison.costs import Cost
from unpoison.deletion import read_deletion
from unpoison.files import read_json, write_columns
from unpoison.rows import Rows, read_rows
from unpoison.steps.measuring import measure, metrics_table

job = __main__.snakemake
begin(job.log[0])
identity = job.params.spec["identity"]
rng = np.random.default_rng(crc32(repr(identity).encode()))
right = rng.uniform(0.5, 0.9)


def guess(rows: Rows) -> Answers:
    """Return an answer to each question."""
    asked = questions(rows)
    others = rng.integers(len(rows.class_names), size=len(asked))
    predicted = np.where(rng.random(len(asked)) < right, rows.label[asked.row], others)
    unsaid = np.full(len(asked), np.nan, np.float32)
    return Answers(asked.row, asked.stamped, predicted, unsaid, unsaid, unsaid, unsaid)


rows, run = read_rows(job.input.rows), read_json(job.input.run)
deletion = read_deletion(job.input.deletion) if job.input.get("deletion") else NO_DELETION
cost = Cost(run["seconds"], run["image_passes"], run["forward_passes"])
measurements = measure(rows, guess(rows), deletion, cost)
write_columns(job.output.metrics, metrics_table(measurements, deletion), notes=identity)
write_record(job)
