"""The lines of the leaderboard: each method of each published study, at one deletion set."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from unpoison.columns import COLUMNS
from unpoison.outcomes import healed, outcomes
from unpoison.statistics import intervals

RESULTS = Path(__file__).parents[1] / "results"
SETTING = ["study", "dataset", "poison", "training"]
KNOWN_RECALL = 0.9  # the deletion set with the nearest recall represents a study
EU, NOTHING, CLEAN = "retrain", "do_nothing", "clean_accuracy"
PASSES = ("image_passes", "forward_passes")


@cache
def published(run: str) -> pd.DataFrame | None:
    """Return the results table of a run, None if it has none or lacks a column."""
    path = RESULTS / run / "tables" / "results.parquet"
    if not path.is_file():
        return None
    table = pd.read_parquet(path)
    return table if set(COLUMNS) <= set(table) else None


def runs() -> list[str]:
    """Return the names of the runs that have a results table."""
    return [path.name for path in sorted(RESULTS.iterdir()) if published(path.name) is not None]


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Return a results table with all present columns, in their types and order, and the keys that it varies."""
    keys = [name for name in table if name not in COLUMNS]
    whole = table.reindex(columns=[*COLUMNS, *keys])
    return whole.astype({name: column.dtype for name, column in COLUMNS.items()})


def lines_of(run: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each setting and method of a results table.

    A setting is a study, data set, poison and training. It is left out if outcomes decided on its seeds, if it has
    several kinds of deletion sets or none, and if no seed has an outcome.
    """
    table = typed(table)
    counted = healed(outcomes(table), {})
    counted = counted[counted["class_name"].isna()]
    costs = _clean_costs(table)
    parts = []
    for setting, deletion in settings(run, table):
        rows = _at(counted, setting)
        rows = rows[(rows["deletion"] == deletion) | rows["deletion"].isna()]
        if not rows["n"].any():
            continue
        rows = rows.merge(costs, on=[*SETTING, "deletion", "method"])
        passes = _passes(_at(table, setting))
        price = [passes.get((at, method), np.nan) for at, method in _keys(rows)]
        parts.append(
            rows.assign(setting_deletion=deletion, passes=price, eu_passes=passes.get((deletion, EU), np.nan))
        )
    if not parts:
        return pd.DataFrame()
    return pd.concat(parts).assign(run=run, price=lambda all_: all_["passes"] / all_["eu_passes"])


def settings(run: str, table: pd.DataFrame) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the settings of a results table, each with the deletion set that represents it."""
    decided = RESULTS / run / "tables" / "decisions.parquet"
    adaptive = set(pd.read_parquet(decided)["study"]) if decided.is_file() else set()
    given = table[table["deletion"].notna()]
    for setting, rows in given.groupby(SETTING, sort=True):
        entries = set(rows["deletion"].str.partition("@")[0])
        if setting[0] in adaptive or len(entries) > 1 or rows["detector"].notna().any():
            continue
        rates = rows.groupby("deletion")[["recall", "fpr"]].mean()
        rates["distance"] = (rates["recall"] - KNOWN_RECALL).abs().round(9)
        nearest = rates.sort_values(["distance", "fpr", "recall"], ascending=[True, True, False])
        yield setting, str(nearest.index[0])


def ranked(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the lines of a setting in the order of the page: share healed, then clean cost, then price."""
    order = lines.assign(share=-lines["healed"] / lines["n"])
    return order.sort_values(["share", "cost", "price", "method"], kind="stable", na_position="last")


def _clean_costs(table: pd.DataFrame) -> pd.DataFrame:
    """Return each model's loss of clean accuracy against do nothing, in points, paired by seed, with its interval."""
    rows = table[(table["metric"] == CLEAN) & table["class_name"].isna()]
    before = rows[rows["method"] == NOTHING].set_index([*SETTING, "seed"])["value"].rename("before")
    rows = rows.join(before, on=[*SETTING, "seed"])
    rows = rows.assign(cost=100 * (rows["before"] - rows["value"])).dropna(subset=["cost"])
    groups = rows.groupby([*SETTING, "deletion", "method"], dropna=False)["cost"]
    means = groups.mean().reset_index()
    ends = intervals([values.tolist() for _, values in groups])
    return means.assign(cost_low=[low for low, _ in ends], cost_high=[high for _, high in ends])


def _passes(table: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Return the mean image passes of each deletion set and method; forward passes have the same weight."""
    rows = table[table["metric"].isin(PASSES)]
    spent = rows.groupby(["deletion", "method", "seed"], dropna=False)["value"].sum()
    means = spent.groupby(level=[0, 1], dropna=False).mean().reset_index()
    return dict(zip(_keys(means), means["value"], strict=True))


def _keys(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Return deletion set and method of each row, "" for no deletion set."""
    return list(zip(rows["deletion"].astype(object).fillna(""), rows["method"], strict=True))


def _at(table: pd.DataFrame, setting: tuple[str, ...]) -> pd.DataFrame:
    return table[(table[SETTING] == list(setting)).all(axis=1)]
