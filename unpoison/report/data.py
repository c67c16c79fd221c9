"""The numbers inside the page: tables as columns, in JSON, for the page's own script."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from unpoison.attack_kinds import NOTES
from unpoison.drawing.looks import in_order, look_of
from unpoison.metrics import METRICS
from unpoison.report.words import key_label, metric_label, metric_note, plain
from unpoison.text import printable

DIGITS = 5  # significant digits that are kept
VALUES = ("mean", "ci_low", "ci_high", "n")
# A measure of cells, shown along with the metrics of models.
HEALED = "share_healed"
# Vega's names of matplotlib's markers and lines.
SHAPES = {
    "o": "circle",
    "s": "square",
    "D": "diamond",
    "d": "diamond",
    "^": "triangle-up",
    "v": "triangle-down",
}
SHAPES |= {"<": "triangle-left", ">": "triangle-right", "p": "circle", "h": "circle", "*": "wedge"}
DASHES = {"-": [1, 0], "--": [6, 3], "-.": [7, 3, 2, 3], ":": [2, 3]}


def page_data(
    named: Mapping[str, pd.DataFrame],
    others: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
) -> bytes:
    """Return the content of the interactive view and of the page's tables, as JSON.

    Comparisons are those over all classes; `paired.parquet` has them by class too.

    Args:
        named: the tables of the report by name; others: the tables that the page shows in full.
        settings: the settings of each study, as the planner describes them.
    """
    summary, paired, records, healed = (named[name] for name in ("summary", "paired", "provenance", "healed"))
    varied = [name for name in summary.columns if "." in name]
    cells = ["study", "dataset", "poison", "training", "deletion", "entry", *varied, "method"]
    methods = in_order(summary["method"])
    summary = pd.concat([summary, _as_measured(healed)], ignore_index=True)
    metrics = [metric for metric in (*METRICS, HEALED) if metric in set(summary["metric"])]
    entries = {variant: entry for study in settings.values() for variant, entry in study["deletions"].items()}
    summary, known = (table.assign(entry=table["deletion"].map(entries)) for table in (summary, paired))
    known = known[known["class_name"].isna()].rename(columns={"difference": "mean"}).reset_index(drop=True)
    return _json(
        {
            "studies": {
                name: {
                    "vary": list(study["vary"]),
                    "deletions": len(set(study["deletions"].values())),
                    "note": NOTES.get(study["attack"], "").split(":")[0],
                }
                for name, study in settings.items()
            },
            "keys": {key: key_label(key) for key in varied},
            "methods": {method: _look(method, methods) for method in methods},
            "metrics": {metric: _metric(metric) for metric in metrics},
            "cells": _matrix(summary, cells, VALUES),
            "pairs": _matrix(known, [*cells, "other"], (*VALUES, "p_adjusted")),
            "others": {name: _columns(table) for name, table in others.items()},
            "records": _columns(
                records[["step", *_identity(records), "commit", "device", "finished", "record"]]
            ),
        }
    )


def _matrix(table: pd.DataFrame, keys: list[str], values: Iterable[str]) -> dict[str, Any]:
    """Return one line for each cell, and the values of all lines, in this order, for each metric and class."""
    numbered = table.groupby(keys, dropna=False, sort=False)
    place = numbered.ngroup()
    lines = table[keys].assign(place=place).drop_duplicates("place").sort_values("place")[keys]
    measured = {}
    names = table["metric"] + "|" + table["class_name"].fillna("")
    for name, rows in table.groupby(names, sort=False):
        of_lines = rows.set_index(place[rows.index])[list(values)].reindex(range(len(lines)))
        measured[str(name)] = {value: _numbers(of_lines[value]) for value in values}
    return {"columns": _columns(lines), "values": measured}


def _columns(table: pd.DataFrame) -> dict[str, Any]:
    """Return each column as its distinct values and, for each row, the position of its value; -1 if missing."""
    coded = {}
    for name in table.columns:
        codes, choices = pd.factorize(table[name])
        coded[name] = {"choices": [_scalar(choice) for choice in choices], "codes": codes.tolist()}
    return coded


def _numbers(values: pd.Series) -> list[float | None]:
    return [None if pd.isna(value) else float(f"{value:.{DIGITS}g}") for value in values]


def _scalar(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _identity(records: pd.DataFrame) -> list[str]:
    levels = ("dataset", "poison", "training", "seed", "deletion", "method")
    return [name for name in levels if name in records]


def _look(method: str, methods: list[str]) -> dict[str, Any]:
    look = look_of(method, methods)
    dash = DASHES.get(look.line) if isinstance(look.line, str) else list(look.line[1])
    shape = SHAPES.get(look.marker, "cross")
    return {"label": look.label, "colour": look.colour, "shape": shape, "dash": dash}


def _as_measured(healed: pd.DataFrame) -> pd.DataFrame:
    """Return the shares of healed seeds as rows of a summary."""
    rows = healed[healed["n"] > 0].rename(columns={"low": "ci_low", "high": "ci_high"})
    return rows.assign(metric=HEALED, mean=rows["healed"] / rows["n"])


def _metric(metric: str) -> dict[str, Any]:
    if metric == HEALED:
        note = "Share of the seeds in which the model is healed, with Jeffreys intervals. More is better."
        return {"label": "share healed", "unit": "share", "better": True, "note": note}
    known = METRICS[metric]
    return {
        "label": metric_label(metric),
        "unit": known.unit,
        "better": known.higher_is_better,
        "note": metric_note(metric),
    }


def _json(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()


def settings_rows(study: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the rows of a study's table of settings: the kind of entry, its name, its options in words."""
    return [
        (
            entry["what"],
            entry["name"],
            ", ".join(f"{key} {_written(value)}" for key, value in entry["options"].items()),
        )
        for entry in study["entries"]
    ]


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{printable(key)} {_written(part)}" for key, part in value.items()) + ")"
    if isinstance(value, list):
        return " / ".join(map(_written, value))
    return (
        {True: "yes", False: "no", None: "none"}[value]
        if isinstance(value, bool | None)
        else printable(plain(value))
    )
