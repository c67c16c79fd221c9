"""What a study found along its axes, in sentences: how scores change from the first value of a key to the last."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from unpoison.drawing.looks import in_order
from unpoison.report.findings import MOST, TESTS, Difference
from unpoison.report.words import Finding, interval, key_label, listed, plain, points, prose_of, setting
from unpoison.results import judged_by
from unpoison.statistics import holm, intervals, p_value, varied_keys

Change = tuple[str, Difference]  # of a method; better is higher


def changes(results: pd.DataFrame, deletions: Mapping[str, str]) -> Iterator[Finding]:
    """For each key that a study varies over numbers, and each metric, the methods whose scores change along it.

    The difference is taken seed by seed between the last value and the first, as a mean over the settings of all
    other keys that have both. It is told where its 95 % interval leaves zero out and the test does so too, corrected
    by Holm for all methods of the metric and key; of too few seeds by the means alone.

    Args:
        results: the rows of one study in the results table.
        deletions: of each of its deletion sets the entry in the config.
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
    """Where training again is given exactly the oracle's rows: every poison deleted, and nothing else.

    Args:
        summary, references: the rows of one study; entries: what the planner tells of it, its methods with all
            their options.
    """
    alike = "differ in the noise of training alone"
    if not references["trained"].all():
        alike += ", but for the models named above that did not train"
    for method in filter(_trains_all_again, entries):
        rows = summary[(summary["method"] == method["name"]) & summary["class_name"].isna()]
        exact = rows[(rows["recall"] == 1) & (rows["fpr"] == 0)]
        if len(exact):
            told, of = (_settings(part) for part in (exact, rows))
            where = "" if len(told) == len(of) else f" ({'; '.join(told)})"
            yield Finding(
                "measured",
                f"Where every poison is deleted and no clean row{where}, {prose_of(method['name'])} trains on the rows "
                f"of the oracle: the two {alike}.",
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
    """Return for each method with both ends of a key the paired difference, last less first.

    Args:
        measured: the rows of one study and metric in the results, with the column `entry` of the deletion set's entry.
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
    """One sentence of the changes that are shown, and one of those that too few seeds show."""
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
