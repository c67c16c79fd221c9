"""The plane of recall and FPR: the best method for each deletion set, and the best threshold of each detector."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from unpoison.columns import RATES, TABLES
from unpoison.levels import PLACE
from unpoison.results import CLEAN, ENOUGH, robust_metric
from unpoison.statistics import intervals


def best_methods(results: pd.DataFrame) -> pd.DataFrame:
    """Return for each deletion set the method that gains most over doing nothing, with the interval of its lead.

    The methods of the deletion set, those that take none, and `do_nothing` are compared. A study of data as found
    without a metric of attack removal has no line, since clean accuracy alone does not show the best method.
    """
    lines = []
    for cell, metric in _cells(results):
        gain, clean = (_gains(cell, name) for name in (metric, CLEAN))
        first, second, *_ = gain.mean().sort_values(ascending=False, kind="stable").index
        line = {"best": first, "runner_up": second, "gain": gain[first], "clean_gain": clean[first]}
        lines.append({**_of_deletion(cell), **line, "metric": metric, "ahead": gain[first] - gain[second]})
    return _judged(lines, "best", "ahead", "ahead of the runner-up", "behind the runner-up")


def thresholds(results: pd.DataFrame) -> pd.DataFrame:
    """Return for each detector and method the deletion set that gains most over doing nothing.

    It is chosen and scored on the same measurements, so its gain is optimistic.
    """
    lines: dict[tuple[Any, ...], dict[str, Any]] = {}
    for cell, metric in _cells(results):
        gain, clean = (_gains(cell, name) for name in (metric, CLEAN))
        about = _of_deletion(cell)
        for method in cell.loc[cell["deletion"].notna() & cell["detector"].notna(), "method"].unique():
            key = (*(about[name] for name in (*PLACE, "detector")), method)
            line = {
                **about,
                "method": method,
                "metric": metric,
                "gain": gain[method],
                "clean_gain": clean[method],
            }
            known = lines.get(key, {**line, "of": 0})
            better = known if known["gain"].mean() >= line["gain"].mean() else line
            lines[key] = {**better, "of": known["of"] + 1}
    found = [lines[key] for key in sorted(lines)]
    return _judged(found, "thresholds", "gain", "better than doing nothing", "worse than doing nothing")


def _cells(results: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, str]]:
    """Yield the measurements of each deletion set, with those of the models without one, and the robust metric.

    Deletion sets for which no seed has all models are left out: an unfinished run cannot compare them.
    """
    whole = results[results["class_name"].isna() & (results["method"] != "oracle")]
    for _, models in whole.groupby(list(PLACE), sort=False):
        metric = robust_metric(models)
        if metric is None:
            continue
        measured = models[models["metric"].isin([metric, CLEAN])]
        without = measured[measured["deletion"].isna()]
        for _, of_deletion in measured.groupby("deletion", sort=False):
            cell = pd.concat([of_deletion, without])
            values = _values(cell, metric)
            if "do_nothing" in values and len(values):
                yield cell, metric


def _gains(cell: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return a line for each seed that all methods have, and a column for each method: its gain over doing nothing.

    Without test images there is no clean accuracy, and no line.
    """
    values = _values(cell, metric)
    if values.empty:
        return pd.DataFrame(columns=cell["method"].unique(), dtype=float)
    return values.sub(values["do_nothing"], axis=0)


def _values(cell: pd.DataFrame, metric: str) -> pd.DataFrame:
    return cell[cell["metric"] == metric].pivot(index="seed", columns="method", values="value").dropna()


def _of_deletion(cell: pd.DataFrame) -> dict[str, Any]:
    """Return the identity of the deletion set, and its achieved rates."""
    own = cell[cell["deletion"].notna()]
    rates = own.drop_duplicates("seed")[list(RATES)].mean()
    first = own.iloc[0]
    return {name: first[name] for name in (*PLACE, "deletion", "detector")} | {
        rate: rates[rate] for rate in RATES
    }


def _judged(lines: list[dict[str, Any]], name: str, by: str, above: str, below: str) -> pd.DataFrame:
    """Return the lines as a table with the mean and interval of each difference, and a verdict on one of them."""
    columns = TABLES[name].columns
    table = pd.DataFrame(lines, columns=list(columns), dtype=object)
    table["n"] = [len(differences) for differences in table[by]]
    for mean in {"gain", "clean_gain", "ahead"} & set(columns):
        ends = intervals([differences.tolist() for differences in table[mean]])
        table[f"{mean}_low"], table[f"{mean}_high"] = ([pair[side] for pair in ends] for side in (0, 1))
        table[mean] = [differences.mean() for differences in table[mean]]
    judged = zip(table[f"{by}_low"], table[f"{by}_high"], table["n"], strict=True)
    table["verdict"] = [verdict(*line, above, below) for line in judged]
    return table.astype({column: about.dtype for column, about in columns.items()})


def verdict(low: float, high: float, seeds: int, above: str, below: str) -> str:
    """Return the verdict of a mean difference's interval in words; it is not corrected for multiple comparisons."""
    if low > 0:
        return above
    if high < 0:
        return below
    return "too few seeds to tell" if seeds < ENOUGH else "no difference seen"
