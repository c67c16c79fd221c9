"""Train the attacker's surrogate: on all training rows as they were before the attack."""

from _train import train_as

train_as(snakemake, "surrogate")
