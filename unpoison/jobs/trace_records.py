"""The provenance of every model: the records of all jobs as one table."""

from typing import Any

from unpoison.files import write_table
from unpoison.tracing import doubts, trace


def main(snakemake: Any) -> None:
    """Trace the records."""
    records = trace(snakemake.input.runs)
    write_table(snakemake.output.table, records)
    write_table(snakemake.output.csv, records)
    print(f"{len(records)} records", *doubts(records), sep="\n")
