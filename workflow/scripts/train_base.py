"""Train the poisoned model: on all training rows, with the labels they were given."""

from _train import train_as

train_as(snakemake, "base")
