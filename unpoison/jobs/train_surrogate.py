"""Train the attacker's surrogate: on all training rows as they were before the attack."""

from typing import Any

from unpoison.jobs.job import Job
from unpoison.jobs.training import trained, write_training
from unpoison.weights import save_model


def main(snakemake: Any) -> None:
    """Train the surrogate."""
    job = Job(snakemake)
    model, history = trained(job)
    save_model(snakemake.output.model, model)
    write_training(snakemake, job, history)
