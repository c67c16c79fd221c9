"""Tell how the poisoned model sees each training row, for deletion sets whose errors depend on it."""

from unpoison.jobs.start import run

run("view_rows", snakemake)
