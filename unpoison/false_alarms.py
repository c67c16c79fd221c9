"""The table of detectors: the rates of each, and its false alarms on unpoisoned data."""

import pandas as pd

from unpoison.attack_kinds import UNPOISONED
from unpoison.columns import RATES, TABLES
from unpoison.levels import CELL
from unpoison.statistics import intervals

RANKINGS = {"detector_auroc": "auroc", "detector_average_precision": "average_precision"}
SET = [*CELL, "detector"]
TWIN = ["dataset", "training", "deletion"]  # keys that a deletion set shares with its unpoisoned twin


def detectors(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each deletion set that comes from a detector: means over seeds, each with its interval.

    The false-alarm rate is the FPR of the same deletion set on the unpoisoned twin, over the twin's seeds. Every
    row flagged there is clean. The twin may be in another study of the results.

    Args:
        results: the results table.
    """
    sets = _sets(results)
    groups = sets.groupby(SET, dropna=False, sort=False)
    table = groups.agg(n=("seed", "count"), fdr_n=("fdr", "count")).reset_index()
    for name in (*RANKINGS.values(), *RATES, "size"):
        _put(table, name, [values.dropna().tolist() for _, values in groups[name]])
    unpoisoned = sets[sets["attack"] == UNPOISONED].drop_duplicates([*TWIN, "seed"])
    rates = {twin: values.tolist() for twin, values in unpoisoned.groupby(TWIN)["fpr"]}
    of_twins = [rates.get(twin, []) for twin in table[TWIN].itertuples(index=False, name=None)]
    _put(table, "false_alarm_rate", of_twins)
    table["false_alarm_rate_n"] = [len(values) for values in of_twins]
    columns = TABLES["detectors"].columns
    return table[list(columns)].astype({name: column.dtype for name, column in columns.items()})


def _sets(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each deletion set and seed; the results repeat it for each of its models."""
    rows = results[results["detector"].notna() & results["class_name"].isna()]
    sets = rows.drop_duplicates([*SET, "seed"])[[*SET, "seed", *RATES, "size"]]
    for metric, name in RANKINGS.items():
        told = rows[rows["metric"] == metric].drop_duplicates([*SET, "seed"])
        told = told.rename(columns={"value": name})[[*SET, "seed", name]]
        sets = sets.merge(told, on=[*SET, "seed"], how="left", validate="one_to_one")
    return sets


def _put(table: pd.DataFrame, name: str, samples: list[list[float]]) -> None:
    """Add a column of means and two columns of interval ends to the table; null for a sample without values."""
    table[name] = [sum(values) / len(values) if values else float("nan") for values in samples]
    ends = intervals(samples)
    table[f"{name}_low"], table[f"{name}_high"] = ([pair[side] for pair in ends] for side in (0, 1))
