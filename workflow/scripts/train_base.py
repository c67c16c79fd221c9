"""Train the poisoned model: on all training rows, with the labels they were given."""

from _job import Job
from _train import train_on

job = Job(snakemake)
train_on(snakemake, job, job.rows.of("train"))
