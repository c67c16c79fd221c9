"""Draw the training histories of a study's models, before any repair."""

from unpoison.jobs.start import run

run("draw_training", snakemake)
