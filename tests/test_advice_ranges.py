"""Properties of the advice over a grid of ranges and budgets, on the shipped table."""

from itertools import combinations_with_replacement, product

import pytest

from unpoison.advice import EQUAL, Advice, advise
from unpoison.measured_repairs import Candidate

RECALLS, RATES, BUDGETS = (0.2, 0.85, 0.95, 1.0), (0.0, 0.02, 0.05), (None, 0.5)


def ranges(ends: tuple[float, ...]) -> list[tuple[float, float]]:
    return list(combinations_with_replacement(ends, 2))


@pytest.fixture(scope="module")
def grid() -> dict[tuple, Advice]:
    """The advice of the shipped table by recall, FPR and budget."""
    asked = product(ranges(RECALLS), ranges(RATES), BUDGETS)
    return {key: advise(recall=key[0], fpr=key[1], budget=key[2]) for key in asked}


def is_inside(narrow: tuple[float, float], wide: tuple[float, float]) -> bool:
    return wide[0] <= narrow[0] and narrow[1] <= wide[1]


def rank(one: Candidate) -> tuple[bool, float, bool]:
    return one.heals_half, -one.gap if one.heals_half else 0.0, one.is_robust


def test_the_named_method_healed_a_model_if_any_within_the_budget_did(grid: dict) -> None:
    for asked, found in grid.items():
        healed = [one.count("healed") for one in found.candidates]
        assert healed[0] > 0 or not any(healed), asked


def test_a_narrower_range_is_not_worse_advised_than_a_wider_one(grid: dict) -> None:
    for (narrow, wide), budget in product(
        product(product(ranges(RECALLS), ranges(RATES)), repeat=2), BUDGETS
    ):
        if is_inside(narrow[0], wide[0]) and is_inside(narrow[1], wide[1]):
            here, there = (grid[(*asked, budget)].candidates[0] for asked in (narrow, wide))
            assert rank(here) >= rank(there), (narrow, wide, budget)
            if rank(here) == rank(there):
                assert here.healed >= there.healed - EQUAL, (narrow, wide, budget)


def test_the_first_candidate_is_the_named_method_and_keeps_the_budget(grid: dict) -> None:
    for (_, _, budget), found in grid.items():
        best = found.candidates[0]
        assert (found.method, found.options) == (best.method, best.options)
        assert budget is None or max(row.passes for row in best.rows) <= budget
