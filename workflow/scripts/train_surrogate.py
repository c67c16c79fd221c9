"""Train the attacker's surrogate: on all training rows as they were before the attack."""

from _job import Job
from _train import train_on
from unpoison.attacks import before_attack

job = Job(snakemake)
train_on(snakemake, job, before_attack(job.rows.of("train")))
