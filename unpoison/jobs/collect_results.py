"""One long table from the metrics of all models."""

from typing import Any

from unpoison.files import read_columns, write_table
from unpoison.jobs.inputs import check_inputs
from unpoison.results import collect


def main(snakemake: Any) -> None:
    """Collect the metrics, with the keys that studies vary."""
    check_inputs(snakemake)
    spec = snakemake.params.spec
    results = collect(
        (read_columns(path) for path in snakemake.input.metrics),
        spec["studies"],
        spec["varied"],
        spec["detectors"],
        spec["attacks"],
    )
    write_table(snakemake.output.table, results)
    write_table(snakemake.output.csv, results)
    print(f"{len(results)} measurements of {len(set(snakemake.input.metrics))} models")
