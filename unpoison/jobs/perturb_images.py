"""Change the images of the poisoned rows against the surrogate, before any stamp."""

from functools import partial
from typing import Any

from unpoison.attacks import perturbed
from unpoison.files import write_array
from unpoison.jobs.job import Job
from unpoison.jobs.record import write_record
from unpoison.poisons import POISONS
from unpoison.weights import load_model


def main(snakemake: Any) -> None:
    """Change the images."""
    job = Job(snakemake)
    train_rows = job.data.rows.of("train")
    poisoned = train_rows.take(train_rows.poisoned("an attack that changes images"))
    perturb = partial(POISONS.module(job.spec["trigger"]["poison"]).perturb, **job.spec["options"])
    surrogate = load_model(snakemake.input.model).to(job.device)
    images = perturbed(perturb, surrogate, job.data.images, poisoned, job.device)
    write_array(snakemake.output.images, images)
    write_record(snakemake, "perturb_images", device=job.device_name())
    print(f"{len(images)} images changed")
