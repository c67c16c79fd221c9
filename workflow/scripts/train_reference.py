"""Train the reference of held-out checks: a network that saw none of the rows that a fold leaves out."""

from unpoison.jobs.start import run

run("train_reference", snakemake)
