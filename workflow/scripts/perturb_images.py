"""Perturb the images of the poisoned rows against the surrogate, before any stamp."""

from unpoison.jobs.start import run

run("perturb_images", snakemake)
