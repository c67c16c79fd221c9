"""One long table from the metrics of all models."""

from unpoison.jobs.start import run

run("collect_results", snakemake)
