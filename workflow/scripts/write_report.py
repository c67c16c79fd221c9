"""Put findings, figures, tables and provenance on one page."""

from unpoison.jobs.start import run

run("write_report", snakemake)
