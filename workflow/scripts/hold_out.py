"""Repair without one fold of the flagged rows, and ask the repaired model about the fold."""

from unpoison.jobs.start import run

run("hold_out", snakemake)
