"""Draw how the models of a study were trained, before any repair."""

from unpoison.jobs.start import run

run("draw_training", snakemake)
