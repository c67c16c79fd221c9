"""Train the oracle: from scratch on exactly the clean training rows."""

from typing import Any

import numpy as np

from unpoison.answers import write_answers
from unpoison.asking import ask
from unpoison.jobs.job import Job
from unpoison.jobs.probed import write_probed
from unpoison.jobs.training import trained, write_training
from unpoison.weights import save_model


def main(snakemake: Any) -> None:
    """Train the oracle, and keep its answers."""
    job = Job(snakemake)
    model, history = trained(job)
    if snakemake.output.get("model"):
        save_model(snakemake.output.model, model)
    write_answers(snakemake.output.answers, ask(job.data, model, job.spec["precision"]))
    poisoned = np.flatnonzero(job.data.rows.of("train").poisoned("an oracle"))
    write_probed(snakemake, job, model, poisoned)
    write_training(snakemake, job, history)
