"""Train the oracle from scratch on exactly the clean training rows."""

from unpoison.jobs.start import run

run("train_oracle", snakemake)
