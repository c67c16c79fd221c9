"""Write the decisions of an adaptive study as an artifact that the next plan reads."""

from unpoison.jobs.start import run

run("decide", snakemake)
