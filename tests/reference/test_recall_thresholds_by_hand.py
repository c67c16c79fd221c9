"""The threshold's likelihood and its intervals against slow loops over a grid of normal distributions."""

import math
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from unpoison.interval_censoring import Bracket, NormalLaw

INF = math.inf
TRIED = (0.2, 0.4, 0.6, 0.8, 1.0)
CASES = {
    "three brackets": [(0.4, 0.6)] * 4 + [(0.6, 0.8)] * 7 + [(0.8, 1.0)] * 2,
    "censored on both sides": [(-INF, 0.2)] * 2 + [(0.4, 0.6)] * 3 + [(0.6, 0.8)] * 3 + [(1.0, INF)] * 2,
    "most never healed": [(0.6, 0.8), (0.8, 1.0), (0.8, 1.0)] + [(1.0, INF)] * 5,
    "uneven recalls": [(0.31, 0.52), (0.48, 0.61), (0.55, 0.7), (0.62, 0.77), (0.71, 0.9)],
}


@cache
def chance(bracket: Bracket, mean: float, sd: float) -> float:
    """Return the probability of a bracket."""
    law = NormalDist(mean, sd)
    low = 0.0 if bracket[0] == -INF else law.cdf(bracket[0])
    high = 1.0 if bracket[1] == INF else law.cdf(bracket[1])
    return max(high - low, 1e-300)


def likelihood(brackets: Sequence[Bracket], mean: float, sd: float) -> float:
    return sum(math.log(chance(bracket, mean, sd)) for bracket in brackets)


def profile(brackets: Sequence[Bracket], at: float, share: float) -> float:
    """Return the highest log-likelihood of normal laws with a quantile at `at`; `sd` varies in 4 % steps."""
    score = NormalDist().inv_cdf(share)
    return max(
        likelihood(brackets, at - score * sd, sd) for sd in (0.005 * 1.04**step for step in range(190))
    )


@pytest.mark.parametrize("brackets", CASES.values(), ids=CASES)
def test_the_fitted_law_has_the_highest_likelihood_of_a_grid(brackets: list[Bracket]) -> None:
    law = NormalLaw(brackets)
    assert law.mean is not None and law.sd is not None
    grid = {
        (mean / 50, sd / 50): likelihood(brackets, mean / 50, sd / 50)
        for mean in range(101)
        for sd in range(1, 40)
    }
    best = max(grid, key=lambda law: grid[law])
    assert likelihood(brackets, law.mean, law.sd) >= grid[best]
    assert (law.mean, law.sd) == pytest.approx(best, abs=0.03)


@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("brackets", CASES.values(), ids=CASES)
def test_an_interval_holds_the_recalls_whose_profile_is_near_the_maximum(
    brackets: list[Bracket], share: float
) -> None:
    law, n = NormalLaw(brackets), len(brackets)
    assert law.mean is not None and law.sd is not None
    t = stats.t.ppf(0.975, n - 1)
    limit = likelihood(brackets, law.mean, law.sd) - n * math.log(1 + t**2 / (n - 1)) / 2
    held = [step / 100 for step in range(101) if profile(brackets, step / 100, share) >= limit]
    found = law.quantile(share)
    if not held:  # the whole interval lies above 1: no recall heals this share of seeds
        assert found == (None, 1.0, None)
        return
    assert held == [step / 100 for step in range(round(100 * held[0]), round(100 * held[-1]) + 1)]
    assert found.low == pytest.approx(held[0], abs=0.011)
    assert found.high == (None if held[-1] == 1 else pytest.approx(held[-1], abs=0.011))


def test_narrow_brackets_give_the_mean_the_deviation_and_students_interval() -> None:
    values = np.array([0.41, 0.52, 0.55, 0.6, 0.63, 0.68])
    law = NormalLaw([(value - 1e-4, value + 1e-4) for value in values])
    assert law.mean == pytest.approx(values.mean(), abs=1e-4)
    assert law.sd == pytest.approx(values.std(), abs=1e-4)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = law.quantile(0.5)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=2e-4)
    assert law.quantile(0.9).value == pytest.approx(values.mean() + 1.28155 * values.std(), abs=2e-4)


@pytest.mark.parametrize("recalls", [TRIED, (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)], ids=["grid", "bisection"])
def test_r50_is_unbiased_and_its_interval_covers_as_often_as_it_says(recalls: tuple[float, ...]) -> None:
    """A small run of docs/simulations.py: thresholds of mean 0.7 and standard deviation 0.12, ten seeds."""
    rng = np.random.default_rng(0)
    cuts = np.array([-INF, *recalls, INF])
    estimates, covered = [], 0
    for _ in range(200):
        places = np.searchsorted(recalls, rng.normal(0.7, 0.12, 10))
        found = NormalLaw([(cuts[place], cuts[place + 1]) for place in places]).quantile(0.5)
        estimates.append(found.value)
        low, high = (-INF if found.low is None else found.low), (INF if found.high is None else found.high)
        covered += low <= 0.7 <= high
    assert abs(np.mean([value for value in estimates if value is not None]) - 0.7) < 0.015
    assert 180 <= covered <= 199  # 190 expected; 180 is 3.2 standard errors below
