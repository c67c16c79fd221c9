"""Estimate the attack success of a repair from the rows that each fold left out, without a network."""

from unpoison.jobs.start import run

run("verify", snakemake)
