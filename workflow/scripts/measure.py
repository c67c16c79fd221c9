"""Measure all cells of one base model: from their answers, deletion sets and costs, without a network."""

from unpoison.jobs.start import run

run("measure", snakemake)
