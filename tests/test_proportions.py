"""Intervals of shares of seeds, and the exact coverage of the stopping rule."""

import subprocess
import sys
from functools import cache
from math import comb

import numpy as np
import pytest
from scipy import stats

from unpoison.proportions import (
    AT_LEAST,
    AT_MOST,
    STEP,
    clopper_pearson,
    is_settled,
    jeffreys,
    settled_interval,
)

LOOKS = range(AT_LEAST, AT_MOST + 1, STEP)


@pytest.mark.parametrize(("k", "n"), [(0, 3), (1, 3), (3, 3), (7, 10), (19, 40)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_intervals_are_those_of_scipys_distributions_and_tests(k: int, n: int, confidence: float) -> None:
    exact = stats.binomtest(k, n).proportion_ci(confidence, "exact")
    assert clopper_pearson(k, n, confidence) == pytest.approx((exact.low, exact.high), abs=1e-12)
    low, high = stats.beta.ppf([(1 - confidence) / 2, (1 + confidence) / 2], k + 0.5, n - k + 0.5)
    expected = (0.0 if k == 0 else low, 1.0 if k == n else high)
    assert jeffreys(k, n, confidence) == pytest.approx(expected, abs=1e-12)


def test_no_seed_tells_nothing_of_a_share() -> None:
    assert jeffreys(0, 0) == clopper_pearson(0, 0) == (0.0, 1.0)
    assert not is_settled(0, 0)


@pytest.mark.parametrize(("k", "n"), [(4, 3), (-1, 3)])
def test_a_count_outside_of_its_seeds_is_refused(k: int, n: int) -> None:
    with pytest.raises(AssertionError, match=f"{k} of {n} seeds"):
        jeffreys(k, n)


@cache
def stopped() -> dict[tuple[int, int], int]:
    """Return the counts at which a study stops, each with the number of orders of seeds that lead there.

    An order of seeds with k healed has the probability p^k (1 - p)^(n - k).
    """
    going, found, before = {0: 1}, {}, 0
    for n in LOOKS:
        reached: dict[int, int] = {}
        for k, orders in going.items():
            for more in range(n - before + 1):
                reached[k + more] = reached.get(k + more, 0) + orders * comb(n - before, more)
        found |= {(k, n): orders for k, orders in reached.items() if is_settled(k, n)}
        going, before = {k: orders for k, orders in reached.items() if not is_settled(k, n)}, n
    assert not going, "a study of forty seeds is not settled"
    return found


def chances(p: float) -> dict[tuple[int, int], float]:
    """Return the probability of each count at which a study stops."""
    return {(k, n): orders * p**k * (1 - p) ** (n - k) for (k, n), orders in stopped().items()}


def coverage(p: float) -> float:
    ends = {count: settled_interval(*count) for count in stopped()}
    return sum(chance for count, chance in chances(p).items() if ends[count][0] <= p <= ends[count][1])


def test_every_study_settles_at_forty_seeds_and_none_before_ten() -> None:
    assert sum(chances(0.5).values()) == pytest.approx(1, abs=1e-12)
    assert all(is_settled(k, AT_MOST) for k in range(AT_MOST + 1))
    assert not any(is_settled(k, n) for n in range(AT_LEAST) for k in range(n + 1))
    low, high = settled_interval(20, 40)
    assert high - low == pytest.approx(0.345, abs=0.0005)


def test_the_stopping_rule_covers_every_share_in_95_percent_of_the_studies() -> None:
    # Coverage jumps where the share crosses an interval's end, so both sides of each end are tested.
    ends = np.array([settled_interval(*count) for count in stopped()]).ravel()
    shares = np.concatenate([np.linspace(0, 1, 401), ends, ends - 1e-9, ends + 1e-9]).clip(0, 1)
    lowest = min(coverage(p) for p in shares.tolist())
    assert lowest == pytest.approx(0.9517, abs=0.0001)


@pytest.mark.parametrize(("p", "seeds"), [(0.0, 10), (0.1, 17), (0.3, 32), (0.5, 39), (0.9, 17), (1.0, 10)])
def test_a_study_takes_as_many_seeds_as_its_share_needs(p: float, seeds: int) -> None:
    assert sum(n * chance for (_, n), chance in chances(p).items()) == pytest.approx(seeds, abs=0.5)


def test_the_intervals_are_told_without_scipys_distributions() -> None:
    program = "import sys, unpoison.proportions; assert not {'pandas', 'scipy.stats'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
