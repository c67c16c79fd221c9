"""Utility, Healed and their product, averaged over the recalls of each study."""

from typing import Any

from unpoison.files import read_table, write_table
from unpoison.statistics import utility_healed


def main(snakemake: Any) -> None:
    """Run the job."""
    results = read_table(snakemake.input.table)
    averages = utility_healed(results[results["study"].isin(snakemake.params.spec["studies"])])
    write_table(snakemake.output.table, averages)
    write_table(snakemake.output.csv, averages)
