"""The programs that `make` runs beside Snakemake: `python -m unpoison.runs.commands.status CONFIG`."""
