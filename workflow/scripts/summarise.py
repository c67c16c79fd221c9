"""Means and intervals over seeds, and which reference models trained."""

from unpoison.jobs.start import run

run("summarise", snakemake)
