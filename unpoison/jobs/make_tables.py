"""Make all tables that follow from the results: means, comparisons, best methods, thresholds, averages."""

from typing import Any

from unpoison.files import read_table, write_table
from unpoison.tables import make_tables


def main(snakemake: Any) -> None:
    """Make the tables."""
    made = make_tables(read_table(snakemake.input.table), snakemake.params.spec["asked"])
    for name, table in made.items():
        write_table(snakemake.output[name], table)
        write_table(snakemake.output[f"{name}_csv"], table)
        if len(table):  # for data as found some tables are empty, and the log leaves them out
            print(f"{name}: {len(table)} rows")
