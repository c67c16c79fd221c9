"""Make all tables that are computed from the results: means, comparisons, best methods, thresholds, averages."""

from unpoison.jobs.start import run

run("make_tables", snakemake)
