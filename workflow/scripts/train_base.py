"""Train the poisoned model: on all training rows, with the labels they were given."""

from _job import Job
from _record import write_record
from unpoison.models import save_model
from unpoison.recipes import Recipe
from unpoison.training import train, write_history

job = Job(snakemake)
train_rows, validation_rows = job.rows.of("train"), job.rows.of("validation")
model = job.new_model(job.seed("base"))
history = train(
    model,
    job.examples(train_rows),
    Recipe(**job.spec["recipe"]),
    job.seed("base"),
    precision=job.spec["precision"],
    validation=job.examples(validation_rows),
)
names = job.rows.class_names
save_model(snakemake.output.model, model, name=job.model_name, options=job.model_options, class_names=names)
write_history(snakemake.output.history, history)
cost = {
    "seconds": sum(epoch.seconds for epoch in history),
    "image_passes": sum(epoch.images for epoch in history),
    "forward_passes": 0,
}
write_record(snakemake, device=job.device_name(), **cost)
