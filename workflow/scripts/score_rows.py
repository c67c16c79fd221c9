"""Score every training row with one detector."""

from unpoison.jobs.start import run

run("score_rows", snakemake)
