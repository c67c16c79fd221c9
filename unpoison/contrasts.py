"""The table of planned contrasts: the differences that a study's config names, corrected for these alone."""

from collections.abc import Iterable, Mapping
from functools import reduce
from itertools import product
from operator import or_
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from unpoison.columns import TABLES
from unpoison.levels import BASE_MODEL
from unpoison.proportions import bonett_price
from unpoison.references import untrained_models
from unpoison.results import ENOUGH, tuples_of
from unpoison.statistics import EQUAL, holm, interval, p_value, varied_keys

HEALED = "healed"
LEVEL = 0.05  # of each of the two one-sided tests of equivalence
NULL = float("nan")
Planned = Mapping[str, Mapping[str, Mapping[str, Any]]]  # study, name of the contrast, its keys in the config


def contrasts(results: pd.DataFrame, outcomes: pd.DataFrame, planned: Planned) -> pd.DataFrame:
    """Return one row for each planned contrast, with its interval, p value, and whether it is equivalent to zero.

    A contrast is first method - second method, or the same at the end of `along` - at its start, or the difference of
    both. The seed is the unit: values are averaged within each seed over settings that a contrast leaves open. A
    seed counts if it has every setting on every side. Holm's correction covers the contrasts of one study. A contrast
    without a p value counts as p = 1, so that the family is the planned one. Models whose references did not train
    count too, and `untrained` is their number; `trained_difference` is the difference without their seeds.

    Args:
        results: the results table.
        outcomes: the table of outcomes, which `healed` is read from.
        planned: the contrasts of each study.
    """
    columns = TABLES["contrasts"].columns
    flagged = untrained_models(results)
    flagged = flagged[flagged["untrained"]]
    lines = [
        {
            "study": study,
            "contrast": name,
            **_contrast(
                _of_study(results, outcomes, study, asked), asked, flagged[flagged["study"] == study]
            ),
        }
        for study, named in planned.items()
        for name, asked in named.items()
    ]
    table = pd.DataFrame(lines, columns=list(columns)).astype({"p": "float64"})
    counted = table.groupby("study", sort=False)["p"].transform(lambda found: holm(found.fillna(1)))
    table["p_adjusted"] = counted.astype("float64").where(table["p"].notna())
    return table.astype({name: column.dtype for name, column in columns.items()})


def _of_study(
    results: pd.DataFrame, outcomes: pd.DataFrame, study: str, asked: Mapping[str, Any]
) -> pd.DataFrame:
    """Return the rows of a contrast's metric and class, with the config entries of methods and deletion sets."""
    metric, name = asked["metric"], asked["class_name"]
    if metric == HEALED:
        rows = outcomes[(outcomes["study"] == study) & outcomes["healed"].notna()]
        rows = rows.assign(value=rows["healed"].astype("float64"), unit="share")
    else:
        rows = results[(results["study"] == study) & (results["metric"] == metric)]
        rows = rows[rows["value"].notna()]
    rows = rows[rows["class_name"].isna() if name is None else rows["class_name"] == name]
    method, deletion = (
        rows[level].astype("string").str.split("@").str[0] for level in ("method", "deletion")
    )
    keys = varied_keys(rows)
    base = pd.Series(tuples_of(rows, BASE_MODEL), index=rows.index)
    return rows[["seed", *keys, "value", "unit"]].assign(method=method, deletion=deletion, base_model=base)


def _contrast(rows: pd.DataFrame, asked: Mapping[str, Any], flagged: pd.DataFrame) -> dict[str, Any]:
    """Return the columns of a contrast that follow from the rows of its metric.

    Args:
        rows: as `_of_study` returns them.
        flagged: the base models whose references did not train.
    """
    methods, along = asked["methods"], asked["along"]
    key, ends = next(iter(along.items()), (None, (None, None)))
    at = ", ".join(f"{name} = {value}" for name, value in asked["at"].items())
    told = {
        **{name: asked[name] for name in ("metric", "class_name", "margin")},
        "method": methods[0],
        "other": methods[1] if len(methods) > 1 else None,
        "key": key,
        "start": None if key is None else str(ends[0]),
        "end": None if key is None else str(ends[1]),
        "at": at or None,
        "unit": next(iter(rows["unit"]), None),
    }
    seeds = _differences(rows, asked)
    measured = _measured(seeds, asked)
    reason = None if len(seeds) else "no seed has every model that it compares"
    is_compared = reduce(or_, (_chosen(rows, asked, method, end) for _, method, end in _sides(asked)))
    untrained = rows[is_compared & rows["base_model"].isin(tuples_of(flagged, BASE_MODEL))]
    if len(untrained):
        kept = seeds[~seeds.index.isin(untrained["seed"])]
        trained = {"n": len(kept), **_measured(kept, asked)}
        measured |= {f"trained_{name}": trained[name] for name in ("n", "difference", "low", "high")}
    return {
        **told,
        "n": len(seeds),
        "untrained": untrained["base_model"].nunique(),
        "reason": reason,
        **measured,
    }


def _differences(rows: pd.DataFrame, asked: Mapping[str, Any]) -> pd.Series:
    """Return the value of a contrast in each seed that has every setting on every side; the seed is the index."""
    sides = [_side(rows, asked, sign, method, end) for sign, method, end in _sides(asked)]
    whole = reduce(_beside, sides)
    settings = [name for name in whole.columns if name not in ("seed", "value")]
    there = whole.drop_duplicates(settings) if settings else whole.iloc[:1]
    of_seed = whole.groupby("seed", sort=True)["value"].agg(["mean", "size"])
    return of_seed.loc[of_seed["size"] == len(there), "mean"].astype(float)


def _sides(asked: Mapping[str, Any]) -> Iterable[tuple[int, str, Any]]:
    """Return the sign, the method and the value of the `along` key (None without one) of each side."""
    ends = [(1, None)]
    for _, (start, end) in asked["along"].items():
        ends = [(1, end), (-1, start)]
    methods = zip((1, -1), asked["methods"], strict=False)
    return [(sign * turn, method, end) for (sign, method), (turn, end) in product(methods, ends)]


def _chosen(rows: pd.DataFrame, asked: Mapping[str, Any], method: str, end: Any) -> pd.Series:
    """Return a mask of the rows of one side. A model without a key counts for all its values."""
    chosen = rows["method"] == method
    for key, value in asked["at"].items():
        chosen &= rows[key].isna() | (rows[key] == value).fillna(False).astype(bool)
    for key in asked["along"]:
        chosen &= (rows[key] == end).fillna(False).astype(bool)
    return chosen


def _side(rows: pd.DataFrame, asked: Mapping[str, Any], sign: int, method: str, end: Any) -> pd.DataFrame:
    """Return the signed values of one side by seed and open setting."""
    fixed = {"method", "unit", "base_model", *asked["at"], *asked["along"]}
    found = rows[_chosen(rows, asked, method, end)]
    found = found[[name for name in found.columns if name not in fixed]].dropna(axis="columns", how="all")
    return found.assign(value=sign * found["value"]) if len(found) else rows[["seed", "value"]].iloc[:0]


def _beside(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return the sum of two sides in every seed and setting that both have."""
    shared = [name for name in one.columns if name in other.columns and name != "value"]
    whole = one.merge(other, on=shared, suffixes=("", "_other"))
    whole["value"] += whole.pop("value_other")
    return whole


def _measured(seeds: pd.Series, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the difference over the seeds, with its interval and its test."""
    values = seeds.to_numpy()
    return _of_pairs(values) if asked["metric"] == HEALED else _of_means(values, asked["margin"])


def _of_means(seeds: np.ndarray, margin: float | None) -> dict[str, Any]:
    """Return the paired t-test of a difference, and the two one-sided tests that it lies within the margin."""
    low, high = interval(seeds.tolist()) if len(seeds) else (NULL, NULL)
    is_told = margin is not None and len(seeds) >= ENOUGH
    return {
        "difference": seeds.mean() if len(seeds) else NULL,
        "low": low,
        "high": high,
        "test": "paired t",
        "p": p_value(seeds.tolist()) if len(seeds) else NULL,
        "equivalent": is_within(seeds, margin) if is_told and margin is not None else None,
    }


def is_within(seeds: np.ndarray, margin: float) -> bool:
    """Return whether two one-sided t-tests at 5 % place the mean within +- margin.

    Args:
        seeds: the difference in each seed (n,), two or more.
        margin: in the unit of the differences.

    Source: Schuirmann 1987. It is equivalent to a 90 % interval that lies within the margin.
    """
    half = 0.0
    if np.ptp(seeds) > EQUAL:
        half = float(stats.sem(seeds) * stats.t.ppf(1 - LEVEL, len(seeds) - 1))
    return bool(abs(seeds.mean()) + half < margin)


def _of_pairs(seeds: np.ndarray) -> dict[str, Any]:
    """Return McNemar's exact test on the discordant seeds, and the interval of the paired difference of shares."""
    first, second = int((seeds > 0).sum()), int((seeds < 0).sum())
    low, high = bonett_price(first, second, len(seeds)) if len(seeds) > 1 else (NULL, NULL)
    return {
        "difference": seeds.mean() if len(seeds) else NULL,
        "low": low,
        "high": high,
        "test": "exact McNemar",
        "p": stats.binomtest(first, first + second).pvalue if first + second else NULL,
        "first_only": first,
        "second_only": second,
    }
