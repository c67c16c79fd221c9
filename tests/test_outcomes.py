"""A model is healed, broken or neither, judged by the reference models of its own seed."""

import math

import pandas as pd
import pytest

from unpoison.levels import IDENTITY
from unpoison.outcomes import healed, outcomes
from unpoison.proportions import clopper_pearson, jeffreys, settled_interval

ASR, CLEAN = "attack_success_rate", "clean_accuracy"


def models(*lines: tuple[str, int, str, float], trained: float = 0.9) -> pd.DataFrame:
    """Return a results table of (method, seed, metric, value), with training accuracies of the references."""
    told = [(*line, None) for line in lines]
    for method, seed in {(method, seed) for method, seed, *_ in lines if method in ("do_nothing", "oracle")}:
        told += [(method, seed, "retained_accuracy", trained, name) for name in ("cat", "dog")]
    table = pd.DataFrame(told, columns=["method", "seed", "metric", "value", "class_name"])
    is_reference = table["method"].isin(["do_nothing", "oracle"])
    table = table.assign(study="s", dataset="d", poison="p", training="t", attack="planted", detector=None)
    table["deletion"] = pd.Series("found", index=table.index, dtype="string").mask(is_reference)
    table["class_name"] = table["class_name"].astype("string")
    table["deletion.recall"] = pd.Series(0.9, index=table.index).mask(is_reference)
    for rate, value in (("recall", 0.9), ("fdr", 0.0), ("fpr", 0.0)):
        table[rate] = pd.Series(value, index=table.index).mask(is_reference)
    assert set(IDENTITY) <= set(table)
    return table


def seed(number: int, attack: float, clean: float = 0.8, before: float = 0.9, oracle: float = 0.1) -> list:
    """Return the measurements of one seed: do_nothing with 80 % clean accuracy, the oracle, and a repair."""
    return [
        ("do_nothing", number, ASR, before),
        ("do_nothing", number, CLEAN, 0.8),
        ("oracle", number, ASR, oracle),
        ("oracle", number, CLEAN, 0.8),
        ("retrain", number, ASR, attack),
        ("retrain", number, CLEAN, clean),
    ]


def only(table: pd.DataFrame) -> pd.Series:
    assert len(table) == 1, table
    return table.iloc[0]


@pytest.mark.parametrize(
    ("attack", "clean", "survived", "is_healed", "is_broken"),
    [
        (0.1, 0.8, 0.0, True, False),
        (0.49, 0.8, 0.4875, True, False),
        (0.5, 0.8, 0.5, False, False),
        (0.9, 0.8, 1.0, False, False),
        (0.1, 0.7, 0.0, True, False),  # exactly 10 points are within the margin
        (0.1, 0.69, 0.0, False, True),
        (0.9, 0.69, 1.0, False, True),
        (0.0, 0.8, -0.125, True, False),
    ],
)
def test_less_than_half_of_the_attack_and_ten_points_decide(
    attack: float, clean: float, survived: float, is_healed: bool, is_broken: bool
) -> None:
    found = only(outcomes(models(*seed(0, attack, clean))))
    assert found["survived"] == pytest.approx(survived)
    assert (found["healed"], found["broken"]) == (is_healed, is_broken)
    assert pd.isna(found["undefined"])


def test_each_seed_is_judged_by_its_own_references() -> None:
    table = models(*seed(0, 0.5, before=1.0, oracle=0.4), *seed(1, 0.5, before=0.7, oracle=0.2))
    found = outcomes(table).set_index("seed")
    assert found["survived"].round(9).to_dict() == {0: round(1 / 6, 9), 1: 0.6}
    assert found["healed"].to_dict() == {0: True, 1: False}


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (models(*seed(0, 0.1, before=0.29)), "the attack did not take"),
        (models(*seed(0, 0.1), trained=0.52), "a reference model did not train"),
        (models(*(line for line in seed(0, 0.1) if line[0] != "oracle")), "no oracle"),
        (models(*(line for line in seed(0, 0.1) if line[2] != CLEAN)), "no clean test image"),
    ],
)
def test_where_nothing_can_be_judged_the_outcome_is_null_and_says_why(table: pd.DataFrame, why: str) -> None:
    found = outcomes(table)
    of_model = only(found)
    assert of_model["undefined"] == why
    assert of_model[["survived", "healed", "broken"]].isna().all()
    of_cell = only(healed(found, {}))
    assert (of_cell["n"], of_cell["undefined"], of_cell["healed"]) == (0, 1, 0)
    assert of_cell[["low", "high", "worst_seed", "accuracy"]].isna().all()


def test_over_seeds_healed_ones_are_counted_with_their_intervals() -> None:
    seeds = [
        seed(0, 0.1),
        seed(1, 0.2, clean=0.76),
        seed(2, 0.8),
        seed(3, 0.1, clean=0.5),
        seed(4, 0.1, before=0.2),
    ]
    found = only(healed(outcomes(models(*(line for lines in seeds for line in lines))), {}))
    assert found[["healed", "broken", "n", "undefined"]].tolist() == [2, 1, 4, 1]
    assert (found["low"], found["high"]) == jeffreys(2, 4)
    assert (found["safe_low"], found["safe_high"]) == clopper_pearson(2, 4)
    assert found["worst_seed"] == pytest.approx(0.875)
    assert found["accuracy"] == pytest.approx(0.78)
    assert found["accuracy_low"] < 0.78 - 0.2  # two seeds: Student's t with one degree of freedom
    assert found["deletion.recall"] == 0.9


def test_where_seeds_are_added_until_settled_the_exact_interval_is_the_rules_own() -> None:
    lines = models(*(line for number in range(4) for line in seed(number, 0.1)))
    cells = [["d", "p", "t", "found", "retrain"]]
    options = {"at_least": 4, "at_most": 8, "step": 4}
    found = only(
        healed(outcomes(lines), {"s": {"rule": "until settled", "options": options, "cells": cells}})
    )
    assert (found["safe_low"], found["safe_high"]) == settled_interval(4, 4)
    assert (found["low"], found["high"]) == jeffreys(4, 4)


def test_one_healed_seed_has_an_accuracy_without_interval() -> None:
    found = only(healed(outcomes(models(*seed(0, 0.1))), {}))
    assert found["accuracy"] == pytest.approx(0.8) and math.isnan(found["accuracy_low"])


def test_without_a_trigger_the_error_on_attacked_images_counts() -> None:
    table = models(*seed(0, 0.3))
    is_attack = table["metric"] == ASR
    table.loc[is_attack, "value"] = 1 - table.loc[is_attack, "value"]
    table["metric"] = table["metric"].mask(is_attack, "confused_accuracy")
    assert only(outcomes(table))["survived"] == pytest.approx(0.25)


def test_of_data_as_found_there_is_no_outcome_and_the_tables_have_their_columns() -> None:
    table = models(("do_nothing", 0, CLEAN, 0.8), ("retrain", 0, CLEAN, 0.8))
    found = outcomes(table)
    assert found.empty and healed(found, {}).empty
    assert "deletion.recall" in healed(found, {})
