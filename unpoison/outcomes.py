"""Two-part outcomes: each repaired model is healed, broken or neither; and the shares over seeds."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from unpoison.columns import RATES, TABLES
from unpoison.implied import with_implied
from unpoison.levels import BASE_MODEL, IDENTITY, LEVELS, REFERENCES
from unpoison.proportions import clopper_pearson, jeffreys, settled_interval
from unpoison.references import untrained_models
from unpoison.results import CLEAN
from unpoison.rounds import UNTIL
from unpoison.statistics import intervals, varied_keys

# A model is healed if less than this share of the attack survives; the other two cuts show how much the cut matters.
CUTS = {"healed": 0.5, "healed_25": 0.25, "healed_75": 0.75}
MARGIN = 0.1  # of clean accuracy below doing nothing: a network that loses more is broken
TAKEN = 0.2  # least attack success above the oracle's; below it the attack did not take, and nothing can be healed
ROUNDING = 1e-9
UNKNOWN = (float("nan"), float("nan"))
# Metrics of attack success: its success rate; without a trigger the error rate on the attacked images.
ATTACKED = ("attack_success_rate", "confused_accuracy", "corrected_accuracy")
MODEL = ["study", *BASE_MODEL]
WHY = {
    "no_clean": "no clean test image",
    "no_oracle": "no oracle",
    "untrained": "a reference model did not train",
    "untaken": "the attack did not take",
}


def outcomes(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each repaired model of each seed and, where the attack has classes, for each of its classes.

    survived = (attack - attack of the oracle) / (attack of doing nothing - attack of the oracle); `attack` is the
    attack success rate, or the error rate on the attacked images of an attack without a trigger. A model is healed
    if survived < 0.5 and it is not broken. It is broken where its clean accuracy over all classes is more than
    10 points below that of doing nothing. Without an oracle there is no outcome; `undefined` says so.

    Args:
        results: the results table.
    """
    columns = [*TABLES["outcomes"].columns, *varied_keys(results)]
    found = _attacks(results)
    references = {name: found[found["method"] == name] for name in REFERENCES}
    place = [*MODEL, "class_name"]
    found = found[~found["method"].isin(REFERENCES)]
    for name, rows in references.items():
        found = found.merge(
            rows[[*place, "attack_success"]].rename(columns={"attack_success": name}), on=place, how="left"
        )
    found = found[found["do_nothing"].notna()]
    clean = results[(results["metric"] == CLEAN) & results["class_name"].isna()]
    own = clean.rename(columns={"value": CLEAN})[[*MODEL, "deletion", "method", CLEAN]]
    found = found.merge(own, on=[*MODEL, "deletion", "method"], how="left")
    before = clean[clean["method"] == "do_nothing"].rename(columns={"value": "clean_before"})
    found = found.merge(before[[*MODEL, "clean_before"]], on=MODEL, how="left")
    found = found.merge(untrained_models(results), on=MODEL, how="left")
    return _judged(found)[columns].astype(
        {name: about.dtype for name, about in TABLES["outcomes"].columns.items()}
    )


def _attacks(results: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the metric of attack success, with its value as `attack_success` (higher is worse)."""
    rank = {metric: place for place, metric in enumerate(ATTACKED)}
    rows = results[results["metric"].isin(ATTACKED) & results["value"].notna()]
    rows = rows.assign(rank=rows["metric"].map(rank))
    first = rows.groupby(["study", "dataset", "poison"], sort=False)["rank"].transform("min")
    rows = rows[rows["rank"] == first]
    return rows.assign(
        attack_success=rows["value"].where(rows["metric"] == ATTACKED[0], 1 - rows["value"]),
        class_name=rows["class_name"].astype("string"),
    )


def _judged(found: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with survived, healed, broken, and the reason for a missing outcome."""
    gap = found["do_nothing"] - found["oracle"]
    reasons = {
        "untaken": gap < TAKEN - ROUNDING,
        "untrained": found["untrained"].fillna(False).astype(bool),
        "no_clean": found[CLEAN].isna() | found["clean_before"].isna(),
        "no_oracle": found["oracle"].isna(),
    }
    undefined = pd.Series(pd.NA, index=found.index, dtype="string")
    for reason, holds in reasons.items():
        undefined = undefined.mask(holds, WHY[reason])
    known = undefined.isna()
    survived = ((found["attack_success"] - found["oracle"]) / gap).where(known)
    broken = found["clean_before"] - found[CLEAN] > MARGIN + ROUNDING
    is_healed = {name: (survived < cut) & ~broken for name, cut in CUTS.items()}
    told = {
        name: values.astype("boolean").where(known)
        for name, values in (is_healed | {"broken": broken}).items()
    }
    return found.assign(survived=survived, undefined=undefined, **told)


def healed(measured: pd.DataFrame, rounds: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return the numbers of seeds in which each cell is healed and broken, with intervals of the share.

    In a study that bisects recalls, every seed counts at every recall (see `unpoison.implied`).

    Args:
        measured: the table of outcomes.
        rounds: the rule of each adaptive study (see `deciding.decisions`).
    """
    found = with_implied(measured, rounds)
    keys = varied_keys(found)
    cell = [*(name for name in IDENTITY if name != "seed"), "attack", "detector", *keys, "class_name"]
    groups = found.groupby(cell, dropna=False, sort=False)
    table = groups.agg(
        **{name: (name, "mean") for name in RATES},
        **{name: (name, "sum") for name in (*CUTS, "broken")},
        n=("healed", "count"),
        undefined=("undefined", "count"),
        implied=("is_implied", "sum"),
        worst_seed=("survived", "max"),
    ).reset_index()
    counts = list(zip(table["healed"].tolist(), table["n"].tolist(), strict=True))
    exact = [settled_interval if is_settling else clopper_pearson for is_settling in _settling(table, rounds)]
    for name, functions in (("", [jeffreys] * len(counts)), ("safe_", exact)):
        ends = [interval(k, n) if n else UNKNOWN for interval, (k, n) in zip(functions, counts, strict=True)]
        table[f"{name}low"], table[f"{name}high"] = ([pair[side] for pair in ends] for side in (0, 1))
    accuracies = [rows.loc[rows["healed"].fillna(False), CLEAN].dropna().tolist() for _, rows in groups]
    ends = intervals(accuracies)
    table["accuracy"] = [sum(values) / len(values) if values else float("nan") for values in accuracies]
    table["accuracy_low"], table["accuracy_high"] = ([pair[side] for pair in ends] for side in (0, 1))
    types = {name: about.dtype for name, about in TABLES["healed"].columns.items()}
    return table[[*types, *keys]].astype(types)


def _settling(table: pd.DataFrame, rounds: Mapping[str, Mapping[str, Any]]) -> list[bool]:
    """Return whether each cell got seeds until its share settled: then 95 % intervals miss the share too often."""
    cells = {
        (study, *cell) for study, asked in rounds.items() if asked["rule"] == UNTIL for cell in asked["cells"]
    }
    places = table[["study", *LEVELS]]
    return [place in cells for place in places.itertuples(index=False, name=None)]
