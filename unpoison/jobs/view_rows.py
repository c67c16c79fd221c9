"""Tell how the poisoned model sees each training row, for deletion sets whose errors depend on it."""

from typing import Any

from unpoison.bias import view, write_views
from unpoison.features import outputs_of
from unpoison.jobs.job import Job
from unpoison.jobs.record import write_record
from unpoison.weights import load_model


def main(snakemake: Any) -> None:
    """Run the job."""
    job = Job(snakemake)
    train = job.data.rows.of("train")
    model = load_model(snakemake.input.model).to(job.device)
    outputs = outputs_of(model, job.data.examples(train, job.device), job.spec["precision"])
    write_views(snakemake.output.views, train, view(train, outputs.features, outputs.logits))
    write_record(snakemake, "view_rows", device=job.device_name(), image_passes=0, forward_passes=len(train))
