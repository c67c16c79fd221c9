"""What `make` runs beside Snakemake, a program each: `python -m unpoison.runs.commands.status CONFIG`."""
