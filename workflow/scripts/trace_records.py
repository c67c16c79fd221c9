"""Where every model comes from: the records of all jobs as one table."""

from unpoison.jobs.start import run

run("trace_records", snakemake)
