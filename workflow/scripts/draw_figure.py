"""Draw one figure from the summary."""

from unpoison.jobs.start import run

run("draw_figure", snakemake)
