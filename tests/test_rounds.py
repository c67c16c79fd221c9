"""The rules of adaptive studies: correct next steps, and equal steps for equal outcomes."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from unpoison.columns import TABLES
from unpoison.deciding import decisions
from unpoison.outcomes import healed
from unpoison.proportions import is_settled
from unpoison.rounds import Bisection, Settling

RULE = Bisection(0.2, 1.0, 3)


def healed_from(threshold: float, rule: Bisection) -> dict[float, bool]:
    return {recall: recall >= threshold for recall in rule.values()}


def halved_by_hand(threshold: float, low: float, high: float, steps: int) -> list[float]:
    """Return the recalls of a bisection in plain Python."""
    tried = []
    for _ in range(steps):
        middle = (low + high) / 2
        tried.append(round(middle, 6))
        low, high = (low, middle) if middle >= threshold else (middle, high)
    return tried


@pytest.mark.parametrize("threshold", (np.linspace(0.1, 1.1, 41) + 1e-4).tolist())  # not a tried recall
@pytest.mark.parametrize("steps", [1, 3, 5])
def test_each_step_halves_the_range_that_is_left(threshold: float, steps: int) -> None:
    rule = Bisection(0.2, 1.0, steps)
    found = rule.follow(healed_from(threshold, rule))
    by_hand = halved_by_hand(threshold, 0.2, 1.0, steps)
    assert list(rule.path(found.low, found.high)) == by_hand
    assert (found.state, found.next, found.tried) == ("done", None, steps)
    low, high = found.low or 0.2, found.high or 1.0
    assert high - low == pytest.approx(0.8 / 2**steps)
    assert low <= threshold <= high or threshold < 0.2 or threshold > 1.0


def test_the_first_round_tries_the_middle_and_the_second_goes_to_one_side() -> None:
    assert RULE.follow({}).next == 0.6
    assert RULE.follow({0.6: True}).next == 0.4
    assert RULE.follow({0.6: False}).next == 0.8
    assert list(RULE.path(None, None)) == [0.6]


def test_the_ends_are_censored() -> None:
    never = RULE.follow(dict.fromkeys(RULE.values(), False))
    always = RULE.follow(dict.fromkeys(RULE.values(), True))
    assert (never.low, never.high, never.healed) == (0.9, None, 0)
    assert (always.low, always.high, always.healed) == (None, 0.3, 3)


def test_outcomes_off_the_path_are_not_read() -> None:
    found = RULE.follow({0.6: True, 0.8: False, 0.9: False})
    assert (found.next, found.low, found.high) == (0.4, None, 0.6)


def test_a_missing_outcome_ends_the_bisection() -> None:
    found = RULE.follow({0.6: False, 0.8: None})
    assert (found.state, found.next, found.low, found.high) == ("no outcome", None, 0.6, None)
    assert list(RULE.path(found.low, found.high)) == [0.6, 0.8]  # only recalls that were run


def test_recalls_are_short_enough_for_names_of_folders() -> None:
    assert Bisection(0.1, 1.0, 6).values() == sorted({round(0.1 + 0.9 * k / 64, 6) for k in range(1, 64)})
    assert RULE.values() == [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]


def test_seeds_are_looked_at_in_steps_until_the_share_is_known() -> None:
    rule = Settling(10, 40, 5)
    assert rule.looks() == [10, 15, 20, 25, 30, 35, 40]
    assert rule.follow([True] * 9).next == 10
    assert rule.follow([True] * 10)[:] == (10, 10, 10, None, "settled")
    assert rule.follow([True, False] * 5)[:] == (10, 10, 5, 15, "open")
    assert rule.follow([True, False] * 20)[:] == (40, 40, 20, None, "settled")


def test_a_look_that_settled_is_not_taken_back_by_later_seeds() -> None:
    early = [True] * 10
    assert Settling(10, 40, 5).follow([*early, *([False] * 30)]).seeds == 10


def test_seeds_without_an_outcome_are_run_and_not_counted() -> None:
    found = Settling(10, 40, 5).follow([True] * 9 + [None])
    assert (found.n, found.healed, found.state, found.next) == (9, 9, "open", 15)
    found = Settling(10, 12, 5).follow([None] * 12)
    assert (found.n, found.state) == (0, "at the limit")


def outcomes(lines: list[tuple[int, str, float, bool | None]]) -> pd.DataFrame:
    """Return a table of outcomes of (seed, method, recall, healed)."""
    table = pd.DataFrame(lines, columns=["seed", "method", "deletion.recall", "healed"])
    names = {"study": "s", "dataset": "d", "poison": "p", "training": "t", "class_name": None}
    table = table.assign(**names, deletion=[f"found@recall={recall}" for recall in table["deletion.recall"]])
    return table.astype({"healed": "boolean", "class_name": "string", "deletion": "string"})


CHAINS = {f"found@recall={recall}": ["found", recall] for recall in RULE.values()}
BISECT = {"s": {"rule": "bisect", "options": {"low": 0.2, "high": 1.0, "steps": 3}, "chains": CHAINS}}


def test_every_seed_and_method_is_bisected_by_itself() -> None:
    table = outcomes(
        [(0, "eu", 0.6, True), (0, "eu", 0.4, False), (1, "eu", 0.6, False), (0, "cf", 0.6, None)]
    )
    found = decisions(table, BISECT).set_index(["method", "seed"])
    assert found["next"].to_dict() == pytest.approx(
        {("cf", 0): np.nan, ("eu", 0): 0.5, ("eu", 1): 0.8}, nan_ok=True
    )
    assert found.loc[("eu", 0), ["deletion", "low", "high", "models"]].tolist() == ["found", 0.4, 0.6, 2]
    assert found.loc[("cf", 0), "state"] == "no outcome"
    assert set(found.reset_index().columns) == set(TABLES["decisions"].columns)


def test_the_order_of_the_outcomes_decides_nothing() -> None:
    lines = [(seed, "eu", recall, recall > 0.5) for seed in range(3) for recall in (0.6, 0.4, 0.5)]
    one, other = (decisions(outcomes(order), BISECT) for order in (lines, lines[::-1]))
    pd.testing.assert_frame_equal(one, other)


def test_only_the_named_cells_settle_and_a_gap_in_the_seeds_waits() -> None:
    options = {"at_least": 10, "at_most": 40, "step": 5}
    cells = [["d", "p", "t", "found@recall=0.6", "eu"], ["d", "p", "t", "found@recall=0.6", "cf"]]
    asked = {"s": {"rule": "until settled", "options": options, "cells": cells}}
    lines = [(seed, "eu", 0.6, True) for seed in range(12)] + [
        (seed, "scrub", 0.6, True) for seed in range(12)
    ]
    lines += [(seed, "cf", 0.6, seed % 2 == 0) for seed in range(12) if seed != 4]
    found = decisions(outcomes(lines), asked).set_index("method")
    assert set(found.index) == {"eu", "cf"}
    assert found.loc["eu", ["models", "healed", "state"]].tolist() == [10, 10, "settled"]
    assert found.loc["eu", "high"] - found.loc["eu", "low"] <= 0.36
    assert found.loc["cf", ["models", "next", "state"]].tolist() == [0, 10, "open"]


def test_looks_that_settle_are_those_of_the_published_rule() -> None:
    rule = Settling(10, 40, 5)
    for n, after in pairwise(rule.looks()):
        for k in range(n + 1):
            outcome = rule.follow([True] * k + [False] * (n - k))
            if outcome.seeds == n:  # not settled earlier
                assert (outcome.state == "settled") == is_settled(k, n)
                assert outcome.next == (None if is_settled(k, n) else after)


def test_every_seed_of_a_bisection_counts_at_every_recall() -> None:
    """With thresholds of .35, .65 and .95, healed shares equal those of a full grid of recalls."""
    thresholds = {0: 0.35, 1: 0.65, 2: 0.95}
    lines = []
    for seed, threshold in thresholds.items():
        found = RULE.follow(healed_from(threshold, RULE))
        lines += [(seed, "eu", recall, recall >= threshold) for recall in RULE.path(found.low, found.high)]
    assert len(lines) == 9  # instead of 21
    measured = outcomes(lines).assign(attack="planted", detector=None, undefined=None, fdr=0.0, fpr=0.0)
    measured["recall"] = measured["deletion.recall"]
    for name in ("survived", "clean_accuracy", "attack_success"):
        measured[name] = 0.5
    measured = measured.assign(broken=False, healed_25=False, healed_75=False).convert_dtypes()
    found = healed(measured, BISECT).set_index("deletion.recall")
    assert found["n"].to_dict() == dict.fromkeys(RULE.values(), 3)
    assert found["healed"].to_dict() == {
        r: sum(r >= each for each in thresholds.values()) for r in RULE.values()
    }
    assert found["implied"].sum() == 12
    unfair = healed(measured, {}).set_index("deletion.recall")
    assert unfair.loc[0.7, ["healed", "n"]].tolist() != [2, 3]  # wrong without implied outcomes
