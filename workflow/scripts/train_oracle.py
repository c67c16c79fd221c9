"""Train the oracle: from scratch on exactly the clean training rows."""

from _train import train_as

train_as(snakemake, "oracle")
