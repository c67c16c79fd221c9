"""Hand over a repaired model: its weights under the network's own keys, and what the repair changed."""

from unpoison.jobs.start import run

run("write_repair", snakemake)
