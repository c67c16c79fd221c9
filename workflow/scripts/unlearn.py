"""Unlearn a deletion set with one method, or repair by trusted rows with one that takes none."""

from unpoison.jobs.start import run

run("unlearn", snakemake)
