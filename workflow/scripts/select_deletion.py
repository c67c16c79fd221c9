"""Choose the rows that the unlearning methods forget."""

from unpoison.jobs.start import run

run("select_deletion", snakemake)
