"""Utility, Healed and their product, averaged over the recalls of each study."""

from unpoison.jobs.start import run

run("average_over_recalls", snakemake)
