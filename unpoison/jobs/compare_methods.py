"""Differences of every two methods over the seeds, the best method of each deletion set, thresholds of detectors."""

from typing import Any

from unpoison.files import read_table, write_table
from unpoison.plane import best_methods, thresholds
from unpoison.statistics import paired


def main(snakemake: Any) -> None:
    """Run the job."""
    results = read_table(snakemake.input.table)
    for name, compare in (("paired", paired), ("best", best_methods), ("thresholds", thresholds)):
        table = compare(results)
        write_table(snakemake.output[f"{name}"], table)
        write_table(snakemake.output[f"{name}_csv"], table)
