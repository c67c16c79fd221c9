"""Write the provenance of every model: the records of all jobs as one table."""

from unpoison.jobs.start import run

run("trace_records", snakemake)
