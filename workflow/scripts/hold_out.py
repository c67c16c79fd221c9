"""Repair without one fold of the flagged rows, and evaluate the repaired model on the fold."""

from unpoison.jobs.start import run

run("hold_out", snakemake)
