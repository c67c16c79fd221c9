"""Write the decisions of an adaptive study as an artifact that the next plan reads."""

from typing import Any

import pandas as pd

from unpoison.files import read_table, write_json

KEYS = (
    "dataset",
    "poison",
    "training",
    "deletion",
    "method",
    "seed",
    "models",
    "low",
    "high",
    "next",
    "state",
)


def main(snakemake: Any) -> None:
    """Write the decisions of one study, and print how many are still open."""
    table = read_table(snakemake.input.decisions)
    of_study = table[table["study"] == snakemake.wildcards.study]
    lines = [
        {key: None if pd.isna(value) else value for key, value in line.items()}
        for line in of_study[list(KEYS)].to_dict("records")
    ]
    write_json(snakemake.output.decided, {"asked": snakemake.params.spec["asked"], "decided": lines})
    still_open = int((of_study["state"] == "open").sum())
    print(f"{len(lines)} decisions, {still_open} of them open")
