"""Tell how the poisoned model sees each training row, for deletion sets whose errors depend on it."""

from _job import Job
from _record import write_record
from unpoison.bias import view, write_views
from unpoison.features import outputs_of
from unpoison.weights import load_model

job = Job(snakemake)
train = job.data.rows.of("train")
model = load_model(snakemake.input.model).to(job.device)
outputs = outputs_of(model, job.data.examples(train, job.device), job.spec["precision"])
write_views(snakemake.output.views, train, view(train, outputs.features, outputs.logits))
write_record(snakemake, device=job.device_name(), image_passes=0, forward_passes=len(train))
