"""Train the attacker's surrogate on all training rows as they were before the attack."""

from unpoison.jobs.start import run

run("train_surrogate", snakemake)
