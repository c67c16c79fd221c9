"""The files that a job writes for a model: its weights if they are kept, its answers, and those after each probe."""

from importlib import import_module
from typing import Any

from unpoison.answers import write_answers
from unpoison.asking import ask
from unpoison.jobs.job import Job
from unpoison.networks import Classifier
from unpoison.types import Indices
from unpoison.weights import save_model


def leave_model(snakemake: Any, job: Job, model: Classifier, forgotten: Indices) -> None:
    """Write the weights of a model if they are an output, its answers, and those after each probe.

    Args:
        forgotten: as in `write_probed`.
    """
    if snakemake.output.get("model"):
        save_model(snakemake.output.model, model)
    write_answers(snakemake.output.answers, ask(job.data, model, job.spec["precision"]))
    write_probed(snakemake, job, model, forgotten)


def write_probed(snakemake: Any, job: Job, model: Classifier, forgotten: Indices) -> None:
    """Write the answers after each probe of the job's spec.

    Args:
        forgotten: positions among the training rows that the model was not to learn from; a probe sees the others.
    """
    probes = job.spec.get("probes", {})
    if not probes:
        return
    steps, repairing = import_module("unpoison.steps.probing"), import_module("unpoison.steps.repairing")
    request = repairing.request_of(job.data, model, forgotten, job.recipe, job.setting())
    for name, options in probes.items():
        answers = steps.ask_probed(job.data, model, request, name, options)
        write_answers(snakemake.output[f"after_{name}"], answers)
