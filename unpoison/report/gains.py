"""Sentences on the cost of false alarms and the gain of a repair for each class, paired by seed."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from unpoison.report.along import changed
from unpoison.report.cells import Cells
from unpoison.report.findings import Difference
from unpoison.report.words import capital, interval, points, seeds, spoken, value_label
from unpoison.results import CLEAN, robust_metric
from unpoison.statistics import interval as mean_interval

FEWEST = 3  # seeds for an interval: that of a mean of two is too wide to be of use
SMALL = 0.0005  # less than a tenth of a point


def costs(results: pd.DataFrame, cells: Cells, ends: tuple[Any, Any]) -> dict[str, Difference]:
    """Return the change of clean accuracy between two values of the axis, paired by seed, for each method.

    Args:
        results: the rows of the study in the results table.
        cells: the study's cells, with the axis.
        ends: the two values; the change is that from the first to the second.
    """
    rows = _kept(results[(results["metric"] == CLEAN) & results["class_name"].isna()], cells)
    rows = rows[rows[cells.axis].notna()]
    if rows.empty or ends[0] == ends[1]:
        return {}
    return dict(changed(rows.assign(entry=""), str(cells.axis), ends))


def cost(change: Difference) -> str:
    """Return a change of clean accuracy in words; it is stated as a fact only if its interval excludes zero."""
    way = "falls" if change.value < 0 else "rises"
    if change.n < FEWEST:
        return (
            f"{way} by {points(abs(change.value))} points (mean of {change.n} seeds, too few for an interval)"
        )
    if change.low <= 0 <= change.high:
        return f"shows no change larger than {points(max(abs(change.low), abs(change.high)))} points"
    ends = sorted([abs(change.low), abs(change.high)])
    return f"{way} by {points(abs(change.value))} points {interval(*ends)}"


def cost_in_short(changes: Sequence[Difference]) -> str:
    """Return the largest fall of clean accuracy as a phrase for a title; empty if no fall is shown."""
    falls = [change for change in changes if change.value <= -SMALL]
    shown = [change for change in falls if change.n < FEWEST or change.high < 0]
    if not shown:
        return ""
    most = min(shown, key=lambda change: change.value)
    upto = "up to " if len(changes) > 1 else ""
    mean = f" (mean of {most.n} seeds)" if most.n < FEWEST else ""
    return f", at a cost of {upto}{points(-most.value)} points of clean accuracy{mean}"


def class_gains(results: pd.DataFrame, cells: Cells, method: str, own: str) -> str:
    """Return a sentence on a method's gain over doing nothing, for one class and the others, at both ends of the axis.

    Args:
        results: the rows of the study in the results table.
        cells: the study's cells, with the axis.
        own: the class that the study varies.
    """
    metric = robust_metric(results)
    rows = _kept(results[(results["metric"] == metric) & results["class_name"].notna()], cells)
    axis, first, last = str(cells.axis), cells.values_there[0], cells.values_there[-1]
    means = {
        name: rows[rows["method"] == name].pivot_table(
            index=[axis, "seed"], columns="class_name", values="value"
        )
        for name in (method, "do_nothing")
    }
    gains = means[method] - means["do_nothing"]
    others = [name for name in gains if name != own]
    if own not in gains or not others or not metric or gains.dropna().empty:
        return ""
    pair = pd.DataFrame({"own": gains[own], "others": gains[others].mean(axis=1)}).dropna()
    there = [value for value in dict.fromkeys((first, last)) if value in pair.index.get_level_values(0)]
    other = str(others[0]) if len(others) == 1 else "the other classes"
    parts = [
        f"{points(pair.loc[value, 'own'].mean())} points for {own} and {points(pair.loc[value, 'others'].mean())} "
        f"for {other} with {value_label(axis, value)}"
        for value in there
    ]
    text = f"{capital(spoken(method))} adds to {str(metric).replace('_', ' ')} {'; '.join(parts)}."
    if len(there) < 2:
        return text
    gap = (pair["own"] - pair["others"]).unstack(level=0)
    with_first, with_last = (value_label(axis, value) for value in there)
    return f"{text} {_apart((gap[first] - gap[last]).dropna().tolist(), own, other, with_first, with_last)}"


def _apart(changes: list[float], own: str, other: str, first: str, last: str) -> str:
    """Return a sentence on the gain of a class minus that of the others, compared between two settings."""
    gap = f"the gain of {own} minus that of {other}"
    if len(changes) < FEWEST:
        n = f"{len(changes)} {seeds(len(changes))}"
        few = "is too few" if len(changes) == 1 else "are too few"
        return f"{capital(n)} {few} to tell whether {gap} differs between the two settings."
    low, high = mean_interval(changes)
    if low <= 0 <= high:
        most = points(max(abs(low), abs(high)))
        return f"Between the two settings, {gap} shows no difference larger than {most} points."
    mean = sum(changes) / len(changes)
    ends = interval(*sorted([abs(low), abs(high)]))
    way = "higher" if mean > 0 else "lower"
    amount = f"{points(abs(mean))} points {ends} {way}"
    return f"With {first}, {gap} is {amount} than with {last} ({len(changes)} seeds)."


def _kept(results: pd.DataFrame, cells: Cells) -> pd.DataFrame:
    """Return the rows at the fixed settings of the answer."""
    rows = results
    for key, value in cells.fixed.items():
        if key in rows:
            rows = rows[rows[key].isna() | (rows[key] == value)]
    return rows
