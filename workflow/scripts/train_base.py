"""Train the poisoned model on all training rows with the labels they were given, or take the user's own weights."""

from unpoison.jobs.start import run

run("train_base", snakemake)
