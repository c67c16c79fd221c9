"""Read a source of images into one array that all jobs map."""

from unpoison.jobs.start import run

run("prepare_source", snakemake)
