"""Unlearn a deletion set with one method."""

from dataclasses import asdict

import numpy as np

from _job import Job
from _record import write_record
from unpoison.deletion import read_deletion
from unpoison.models import load_model, save_model
from unpoison.training import Recipe
from unpoison.unlearning import METHODS
from unpoison.unlearning._request import Request, run

job = Job(snakemake)
train = job.rows.of("train")
forget = np.isin(np.arange(len(train)), read_deletion(snakemake.input.deletion).rows)
request = Request(
    model=load_model(snakemake.input.model).to(job.device),
    new_model=job.new_model,
    retain=job.examples(train.take(~forget)),
    forget=job.examples(train.take(forget)),
    validation=job.examples(job.rows.of("validation")),
    recipe=Recipe(**job.spec["recipe"]),
    seed=job.seed("unlearn"),
    precision=job.spec["precision"],
)
model, cost = run(METHODS[job.spec["method"]], request, job.spec["options"])
names = train.class_names
save_model(snakemake.output.model, model, name=job.model_name, options=job.model_options, class_names=names)
write_record(snakemake, device=job.device_name(), **asdict(cost))
