"""Train a network in a role, to its weights, history and record."""

from unpoison.jobs.start import run

run("train", snakemake)
