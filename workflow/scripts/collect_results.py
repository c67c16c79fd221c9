"""Collect the metrics of all models in one long table."""

from unpoison.jobs.start import run

run("collect_results", snakemake)
