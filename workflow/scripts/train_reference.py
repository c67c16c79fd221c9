"""Train the reference model of held-out checks without any row that a fold leaves out."""

from unpoison.jobs.start import run

run("train_reference", snakemake)
