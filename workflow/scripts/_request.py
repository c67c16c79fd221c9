"""The request that an unlearning method is handed, from the files of a job."""

import numpy as np

from _job import Job
from unpoison.deletion import NO_DELETION, read_deletion
from unpoison.models import load_model
from unpoison.recipes import Recipe
from unpoison.contracts.request import Request


def request_of(job: Job, model: str, deletion: str | None) -> Request:
    """The poisoned model, and the job's rows parted by the deletion set; without one (a repair) all are retained."""
    train = job.rows.of("train")
    forget = np.isin(np.arange(len(train)), (read_deletion(deletion) if deletion else NO_DELETION).rows)
    return Request(
        model=load_model(model).to(job.device),
        new_model=job.new_model,
        retain=job.examples(train.take(~forget)),
        forget=job.examples(train.take(forget)),
        validation=job.examples(job.rows.of("validation")),
        recipe=Recipe(**job.spec["recipe"]),
        seed=job.seed("unlearn"),
        precision=job.spec["precision"],
    )
