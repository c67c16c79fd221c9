"""The answers of a model after probes have changed copies of it."""

from importlib import import_module
from typing import Any

from unpoison.answers import write_answers
from unpoison.jobs.job import Job
from unpoison.networks import Classifier
from unpoison.types import Indices


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
