"""Combine the scores of a scan's searches: write the verdict, the lists of rows and the page."""

from unpoison.jobs.start import run

run("write_scan", snakemake)
