"""Draw clean and poisoned images side by side, or training images as they were found."""

from unpoison.jobs.start import run

run("draw_samples", snakemake)
