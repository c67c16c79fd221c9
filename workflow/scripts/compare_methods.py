"""Differences of every two methods over the seeds, the best method of each deletion set, thresholds of detectors."""

from unpoison.jobs.start import run

run("compare_methods", snakemake)
