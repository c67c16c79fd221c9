"""Flags of a study for the first screen: untrained references, failed attacks and broken models."""

from collections.abc import Iterable, Iterator

import pandas as pd

from unpoison.report.cells import OF_CLASSES
from unpoison.report.known import model_of
from unpoison.report.words import listed, spoken, value_label
from unpoison.statistics import varied_keys

MOST = 6  # names that a flag lists


def flags(outcomes: pd.DataFrame, references: pd.DataFrame) -> Iterator[str]:
    """Yield the reasons why models of one study cannot be judged or are broken, one sentence each.

    Args:
        outcomes, references: the rows of the study in the tables of these names.
    """
    failed = references[~references["trained"]]
    if len(failed):
        told = [
            f"{model_of(str(attack)) if method == 'do_nothing' else spoken(str(method))} of {_seeds(rows['seed'])}"
            for (method, attack), rows in failed.groupby(["method", "attack"], sort=False)
        ]
        yield (
            f"Did not train: {listed(told)} ({len(failed)} of {len(references)} reference models). "
            "Models compared with them have no outcome."
        )
    whole = outcomes[outcomes["class_name"].isna()]
    for reason, rows in whole[whole["undefined"].notna()].groupby("undefined", sort=False):
        if reason != "a reference model did not train":  # the sentence above names it
            yield f"No outcome: {reason} in {_seeds(rows['seed'])}{_where(rows, whole)}."
    alone = _of_classes(outcomes, whole)
    for why, rows in alone.groupby("undefined", sort=False):
        classes = sorted(set(rows["class_name"]))
        named = f"{'class' if len(classes) == 1 else 'classes'} {_most(classes)}"
        yield f"No outcome for {named} alone: {why} in {_seeds(rows['seed'])}{_where(rows, whole)}."
    broken = whole[whole["broken"].fillna(False).astype(bool)]
    if len(broken):
        counts = broken["method"].value_counts().to_dict()
        judged = whole[whole["broken"].notna()]["method"].value_counts().to_dict()
        told = [f"{spoken(str(method))} in {count} of {judged[method]}" for method, count in counts.items()]
        yield f"Broken models, with clean accuracy more than 10 points below doing nothing: {_most(told)}."


def _of_classes(outcomes: pd.DataFrame, whole: pd.DataFrame) -> pd.DataFrame:
    """Return the classes without an outcome, of models that have one over all classes; empty if no class is varied."""
    rows = outcomes[outcomes["class_name"].notna() & outcomes["undefined"].notna()]
    if not any(key.startswith(OF_CLASSES) for key in varied_keys(whole)):
        return rows.iloc[:0]
    model = ["dataset", "poison", "training", "seed", "deletion", "method"]
    return rows.merge(whole[whole["undefined"].isna()][model], on=model)


def _seeds(seeds: pd.Series) -> str:
    numbers = sorted(set(seeds.tolist()))
    return f"seed {numbers[0]}" if len(numbers) == 1 else f"seeds {_most(map(str, numbers))}"


def _where(rows: pd.DataFrame, whole: pd.DataFrame) -> str:
    """Return the settings of some rows as a phrase; empty if these are all settings of the study."""
    keys = [key for key in varied_keys(whole) if not key.startswith("deletion.")]

    def places(table: pd.DataFrame) -> list[str]:
        labels = (
            listed(value_label(key, value) for key, value in zip(keys, row, strict=True))
            for row in table[keys].drop_duplicates().itertuples(index=False)
        )
        return list(dict.fromkeys(labels)) if keys else []

    found = places(rows)
    return "" if len(found) == len(places(whole)) else f" (with {'; with '.join(found[:MOST])})"


def _most(words: Iterable[str]) -> str:
    told = list(words)
    more = len(told) - MOST
    return listed(told if more < 1 else [*told[:MOST], f"{more} more"])
