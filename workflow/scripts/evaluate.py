"""Measure one model on the clean and the adversarial test and on the training rows."""

from unpoison.jobs.start import run

run("evaluate", snakemake)
