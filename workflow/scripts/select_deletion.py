"""Choose the rows that the unlearning methods are told to forget."""

from unpoison.jobs.start import run

run("select_deletion", snakemake)
