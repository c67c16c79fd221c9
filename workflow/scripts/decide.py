"""Write what an adaptive study decided as an artifact that the next plan reads."""

from unpoison.jobs.start import run

run("decide", snakemake)
