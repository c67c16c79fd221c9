"""Write a repaired model: its weights under the network's own keys, and a report of the repair's changes."""

from unpoison.jobs.start import run

run("write_repair", snakemake)
