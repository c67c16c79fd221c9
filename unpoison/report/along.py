"""Sentences on the change of scores along the varied keys of a study, from a key's first value to its last."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from unpoison.drawing.looks import in_order
from unpoison.report.findings import MOST, TESTS, Difference
from unpoison.report.words import Finding, interval, key_label, listed, plain, points, prose_of, setting
from unpoison.results import judged_by
from unpoison.statistics import holm, intervals, p_value, varied_keys

Change = tuple[str, Difference]  # a method and the change of its score (positive: the score rises)


def changes(results: pd.DataFrame, deletions: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the methods whose scores change along a key, for each numeric varied key of a study and each metric.

    The change is the difference between the last value of the key and the first. It is paired by seed, and averaged
    over the settings of all other keys that have both values. A change is reported if its 95 % interval excludes zero
    and the test agrees. The test is corrected by Holm for all methods of the metric and key. With too few seeds for
    the test, the interval of the mean decides alone.

    Args:
        results: the rows of one study in the results table.
        deletions: the config entry of each deletion set, by the set's name.
    """
    whole = results[results["class_name"].isna()]
    whole = whole.assign(entry=whole["deletion"].map(dict(deletions)))
    for key in varied_keys(whole):
        for metric in judged_by(whole):
            measured = whole[(whole["metric"] == metric) & whole[key].notna()]
            values = sorted(measured[key].unique()) if _is_of_numbers(measured[key]) else []
            if len(values) < 2:
                continue
            ends = values[0], values[-1]
            among = " (mean over the other settings)" if _has_others(measured, key) else ""
            along = f"From {key_label(key)} {plain(ends[0])} to {plain(ends[1])}{among}"
            yield from _told(along, TESTS[metric], changed(measured, key, ends))


def same_rows(
    summary: pd.DataFrame, entries: Sequence[Mapping[str, Any]], references: pd.DataFrame
) -> Iterator[Finding]:
    """Yield the settings in which exact unlearning trains on the oracle's rows: only the poisons are deleted.

    Args:
        summary, references: the rows of one study; entries: the planner's description of it, its methods with all
            their options.
    """
    alike = "differ only by the randomness of training"
    if not references["trained"].all():
        alike += ", except for the models named above that did not train"
    for method in filter(_trains_all_again, entries):
        rows = summary[(summary["method"] == method["name"]) & summary["class_name"].isna()]
        exact = rows[(rows["recall"] == 1) & (rows["fpr"] == 0)]
        if len(exact):
            told, of = (_settings(part) for part in (exact, rows))
            where = "" if len(told) == len(of) else f" ({'; '.join(told)})"
            yield Finding(
                "measured",
                f"Where every poison and no clean row is deleted{where}, {prose_of(method['name'])} trains on the same "
                f"rows as the oracle: the two {alike}.",
            )


def _trains_all_again(entry: Mapping[str, Any]) -> bool:
    options = entry["options"]
    is_retrain = entry["what"] == "method" and options.get("method", entry["name"]) == "retrain"
    return is_retrain and options.get("last") is None and options.get("length") in (None, 1)


def _settings(rows: pd.DataFrame) -> list[str]:
    keys = varied_keys(rows)
    told = (setting(dict(zip(keys, row, strict=True))) for row in rows[keys].itertuples(index=False))
    return list(dict.fromkeys(told))


def _is_of_numbers(values: pd.Series) -> bool:
    return all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values.unique().tolist()
    )


def _has_others(measured: pd.DataFrame, key: str) -> bool:
    return any(measured[other].nunique() > 1 for other in (*varied_keys(measured), "entry") if other != key)


def changed(measured: pd.DataFrame, key: str, ends: tuple[Any, Any]) -> list[Change]:
    """Return the paired difference, last value of a key minus first, of each method that has both.

    Args:
        measured: the rows of one study and metric in the results, with the column `entry`: the config entry of the
            deletion set.
        ends: the first and the last value of the key.
    """
    others = ["entry", *(name for name in varied_keys(measured) if name != key)]
    told = measured.assign(**{name: measured[name].astype("string").fillna("") for name in others})
    seeds: dict[str, list[float]] = {}
    for method in in_order(measured["method"]):
        table = told[told["method"] == method].pivot_table(
            index=["seed", *others], columns=key, values="value"
        )
        if set(ends) <= set(table):
            differences = (table[ends[1]] - table[ends[0]]).dropna().groupby("seed").mean()
            if len(differences) > 1:
                seeds[method] = differences.tolist()
    p_values = holm(pd.Series({method: p_value(found) for method, found in seeds.items()}, dtype=float))
    return [
        (method, Difference("", sum(found) / len(found), *ends_of, len(found), p_values[method]))
        for (method, found), ends_of in zip(seeds.items(), intervals(list(seeds.values())), strict=True)
    ]


def _told(along: str, test: str, found: list[Change]) -> Iterator[Finding]:
    """Yield a sentence on the changes that the test shows, and one on those with too few seeds for a test."""
    of_seeds = {
        "measured": [change for change in found if change[1].verdict in ("better", "worse")],
        "few": [change for change in found if change[1].verdict == "few" and not _holds_zero(change[1])],
    }
    for kind, shown in of_seeds.items():
        if shown:
            largest = sorted(shown, key=lambda change: -abs(change[1].value))[:MOST]
            parts = [_change(*change) for change in shown if change in largest]
            more = f", and so do {len(shown) - MOST} further methods" if len(shown) > MOST else ""
            seeds = min(change[1].n for change in shown)
            yield Finding(kind, f"{along} {listed(parts)} {test} ({seeds} seeds){more}.")  # type: ignore[arg-type]


def _holds_zero(change: Difference) -> bool:
    return change.low <= 0 <= change.high


def _change(method: str, change: Difference) -> str:
    low, high = sorted([abs(change.low), abs(change.high)])
    way = "rises" if change.value > 0 else "falls"
    return f"{prose_of(method)} {way} by {points(abs(change.value))} points {interval(low, high)}"
