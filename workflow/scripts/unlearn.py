"""Unlearn a deletion set with one method, or repair by trusted rows with a method that needs no deletion set."""

from unpoison.jobs.start import run

run("unlearn", snakemake)
