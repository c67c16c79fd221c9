"""Train the poisoned model on all training rows with their given labels, or use the user's own weights."""

from unpoison.jobs.start import run

run("train_base", snakemake)
