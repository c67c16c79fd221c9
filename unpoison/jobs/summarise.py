"""Means and intervals over seeds, and which reference models trained."""

from typing import Any

from unpoison.files import read_table, write_table
from unpoison.references import trained_references
from unpoison.statistics import summarise


def main(snakemake: Any) -> None:
    """Run the job."""
    results = read_table(snakemake.input.table)
    for name, table in (("summary", summarise(results)), ("references", trained_references(results))):
        write_table(snakemake.output[name], table)
        write_table(snakemake.output[f"{name}_csv"], table)
