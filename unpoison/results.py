"""The results table: how it is built from the metrics of every model, and its key metrics."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from unpoison.columns import COLUMNS
from unpoison.levels import BASE_MODEL, IDENTITY, MODEL, REFERENCES

# Metrics of attack removal, by priority: the first one in the table counts. Attacks without a trigger lack the first.
ROBUST = ("adversarial_accuracy", "confused_accuracy", "corrected_accuracy")
CLEAN = "clean_accuracy"
AGREEMENT = "given_label_agreement"
# With fewer seeds, a test that is corrected for many comparisons finds nothing.
ENOUGH = 5


def collect(
    tables: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]],
    studies: Mapping[str, Mapping[str, list[Any]]],
    varied: Mapping[str, Mapping[str, Mapping[str, Any]]],
    detectors: Mapping[str, str],
    attacks: Mapping[str, Mapping[str, str]],
) -> pd.DataFrame:
    """Return one long table of the metrics of every model; a model that two studies share is in it twice.

    Args:
        tables: for each model its metrics and its identity (dataset ... method).
        studies: for each study the names on each level, its seeds, and the dotted keys that it varies; for an adaptive
            study also its `cells`, as lists of the names of `levels.MODEL`.
        varied: for each level and name the varied keys and their values.
        detectors: for each deletion set that comes from a detector its name.
        attacks: for each data set and poison the kind of attack (see `attack_kinds`).
    """
    frames = [pd.DataFrame(dict(columns)).assign(**identity) for columns, identity in tables]
    models = pd.concat([frame.astype({"class_name": "string", "deletion": "string"}) for frame in frames])
    whole = pd.concat([_of_study(models, study).assign(study=name) for name, study in studies.items()])
    keys = sorted({key for study in studies.values() for key in study["vary"]})
    for key in keys:
        level = key.split(".")[0]
        values = {name: settings[key] for name, settings in varied[level].items() if key in settings}
        varies = whole["study"].map({name: key in study["vary"] for name, study in studies.items()})
        whole[key] = whole[level].map(values).where(varies).convert_dtypes()
    whole["detector"] = whole["deletion"].map(dict(detectors))
    places = zip(whole["dataset"], whole["poison"], strict=True)
    whole["attack"] = [attacks[dataset][poison] for dataset, poison in places]
    whole = whole[[*COLUMNS, *keys]].astype({name: column.dtype for name, column in COLUMNS.items()})
    return in_order(whole)


def in_order(results: pd.DataFrame) -> pd.DataFrame:
    """Return rows in the order of the results table."""
    order = [*IDENTITY, "metric", "class_name"]
    return results.sort_values(order, kind="stable", na_position="first").reset_index(drop=True)


def tuples_of(rows: pd.DataFrame, columns: Iterable[str]) -> list[tuple[Any, ...]]:
    """Return some columns of each row as a plain tuple, with None where a value is missing."""
    part = rows[list(columns)].astype(object)
    return list(part.where(part.notna(), None).itertuples(index=False, name=None))


def judged_by(table: pd.DataFrame) -> list[str]:
    """Return the metrics in a table by which models are judged.

    The first is the metric of attack removal (adversarial accuracy, or its replacement without a trigger), the second
    clean accuracy. A table without both is judged by the agreement with the given labels.
    """
    there = set(table["metric"])
    robust = robust_metric(table)
    found = ([robust] if robust else []) + [CLEAN] * (CLEAN in there)
    return found or [AGREEMENT] * (AGREEMENT in there)


def robust_metric(table: pd.DataFrame) -> str | None:
    """Return the metric of attack removal, None if a table of data as found holds none."""
    return next((metric for metric in ROBUST if metric in set(table["metric"])), None)


def _of_study(models: pd.DataFrame, study: Mapping[str, list[Any]]) -> pd.DataFrame:
    chosen = pd.Series(True, index=models.index)
    for level in BASE_MODEL:
        chosen &= models[level].isin(study[level])
    chosen &= models["deletion"].isna() | models["deletion"].isin(study["deletion"])
    chosen &= models["method"].isin([*study["method"], *REFERENCES])
    if "cells" in study:
        wanted = {tuple(cell) for cell in study["cells"]}
        chosen &= np.array([cell in wanted for cell in tuples_of(models, MODEL)], bool)
    return models[chosen]
