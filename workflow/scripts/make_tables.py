"""Make all tables that follow from the results: means, comparisons, best methods, thresholds, averages."""

from unpoison.jobs.start import run

run("make_tables", snakemake)
