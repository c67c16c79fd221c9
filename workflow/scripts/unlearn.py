"""Unlearn a deletion set with one method, or repair by trusted rows with one that takes none."""

from dataclasses import asdict

from _job import Job
from _record import write_record
from _request import request_of
from _tuned import options_of
from unpoison.models import save_model
from unpoison.unlearning import METHODS, needs
from unpoison.running import run_method as run

job = Job(snakemake)
options = options_of(job.spec, snakemake.input.get("tuned"))
request = request_of(job, snakemake.input.model, snakemake.input.get("deletion"))
method = job.spec["method"]
model, cost = run(METHODS[method], request, options, needs=needs(method))
names = job.rows.class_names
save_model(snakemake.output.model, model, name=job.model_name, options=job.model_options, class_names=names)
spec = {**job.spec, "options": options}
write_record(snakemake, spec=spec, device=job.device_name(), **asdict(cost))
