"""Train the oracle: from scratch on exactly the clean training rows."""

from _job import Job
from _train import train_on

job = Job(snakemake)
train_rows = job.rows.of("train")
train_on(snakemake, job, train_rows.take(~train_rows.poisoned("the oracle")))
