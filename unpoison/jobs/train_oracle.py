"""Train the oracle: from scratch on exactly the clean training rows."""

from typing import Any

import numpy as np

from unpoison.jobs.job import Job
from unpoison.jobs.models import leave_model
from unpoison.jobs.training import trained, write_training


def main(snakemake: Any) -> None:
    """Train the oracle, and keep its answers."""
    job = Job(snakemake)
    model, history = trained(job)
    leave_model(snakemake, job, model, np.flatnonzero(job.data.rows.of("train").poisoned("an oracle")))
    write_training(snakemake, job, history)
