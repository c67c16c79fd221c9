"""Search the open options of one method on the validation rows of the tuning seeds."""

from unpoison.jobs.start import run

run("tune", snakemake)
