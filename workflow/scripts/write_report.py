"""Write findings, figures, tables and provenance to one page."""

from unpoison.jobs.start import run

run("write_report", snakemake)
