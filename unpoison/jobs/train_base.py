"""Train the poisoned model on all training rows with the labels they were given, or take the user's own weights."""

from pathlib import Path
from typing import Any

from unpoison.answers import write_answers
from unpoison.asking_base import ask_base
from unpoison.contracts.deletion import NO_DELETION
from unpoison.jobs.inputs import check_content
from unpoison.jobs.job import Job
from unpoison.jobs.models import write_probed
from unpoison.jobs.training import trained, write_training
from unpoison.networks import Classifier
from unpoison.outputs import write_outputs
from unpoison.steps.training import given_model
from unpoison.steps.trying import check_untrained
from unpoison.weights import save_model


def main(snakemake: Any) -> None:
    """Train the model, and keep its answers and the features and logits that detectors share."""
    job, given = Job(snakemake), snakemake.params.get("weights")
    model, history = (_given(job, given), []) if given else trained(job)
    save_model(snakemake.output.model, model)
    answers, outputs = ask_base(job.data, model, job.spec["precision"])
    write_answers(snakemake.output.answers, answers)
    write_outputs(snakemake.output.outputs, job.data.rows, outputs)
    write_probed(snakemake, job, model, NO_DELETION.rows)
    write_training(snakemake, job, history)


def _given(job: Job, weights: str) -> Classifier:
    check_untrained(job.architecture, job.data)
    check_content("the weights", Path(weights).parent, [weights], job.spec["weights"])
    return given_model(weights, job.data, job.architecture, job.recipe, job.setting())
