"""Coverage of intervals of means and of shares of seeds, and of the rules that stop a study after enough seeds.

Means are simulated from fixed seeds; shares are computed exactly.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import comb
from typing import Any

import numpy as np
from scipy import stats

from unpoison.proportions import (
    AT_LEAST,
    AT_MOST,
    SETTLED_CONFIDENCE,
    SETTLED_WIDTH,
    STEP,
    clopper_pearson,
    jeffreys,
)

SHARES = np.linspace(0, 1, 201)  # at which the coverage of a share is computed
Interval = Callable[[int, int], tuple[float, float]]
Row = dict[str, Any]
HEALED, RELEARNED, NOISE, CHANCE = (
    47.3,
    14.5,
    0.8,
    0.9,
)  # accuracies in %, and the probability that a model heals
MEAN = CHANCE * HEALED + (1 - CHANCE) * RELEARNED


def two_parts(n: int, studies: int) -> np.ndarray:
    """Return accuracies of models that heal or relearn the attack, (studies, n)."""
    rng = np.random.default_rng([1, n])
    return np.where(rng.random((studies, n)) < CHANCE, HEALED, RELEARNED) + NOISE * rng.standard_normal(
        (studies, n)
    )


def half_widths(values: np.ndarray) -> np.ndarray:
    """Return half the width of the 95 % interval by Student's t, over the last axis."""
    return stats.t.ppf(0.975, values.shape[-1] - 1) * stats.sem(values, axis=-1)


def student(n: int, studies: int = 100_000) -> Row:
    """Return the coverage of Student's interval of a mean of healed and relearned models."""
    values = two_parts(n, studies)
    covered = np.abs(values.mean(axis=1) - MEAN) <= half_widths(values)
    return {"values": "healed or relearned", "interval": "Student's t", "n": n, "coverage": covered.mean()}


def bca(n: int, studies: int = 2000) -> Row:
    """Return the coverage of the BCa bootstrap of normal values."""
    values = np.random.default_rng([2, n]).standard_normal((studies, n))
    covered = []
    for part in np.split(values, studies // 100):  # in parts, to save memory
        ends = stats.bootstrap(
            (part,), np.mean, axis=1, n_resamples=2000, method="BCa", rng=n
        ).confidence_interval
        covered.append((ends.low <= 0) & (ends.high >= 0))
    return {"values": "normal", "interval": "BCa bootstrap", "n": n, "coverage": np.mean(covered)}


def student_until_narrow(studies: int = 100_000) -> Row:
    """Return the coverage if seeds are added, from three to forty, until Student's interval is at most +- 5."""
    values, is_open, covered = two_parts(AT_MOST, studies), np.full(studies, True), np.full(studies, False)
    for n in range(3, AT_MOST + 1):
        half = half_widths(values[:, :n])
        stops = is_open & ((half <= 5) | (n == AT_MOST))
        covered[stops] = (np.abs(values[:, :n].mean(axis=1) - MEAN) <= half)[stops]
        is_open &= ~stops
    return {
        "values": "healed or relearned",
        "interval": "Student's t, until +- 5",
        "n": "3 to 40",
        "coverage": covered.mean(),
    }


def means() -> Iterator[Row]:
    """Yield intervals of means: nominal coverage 0.95."""
    yield from (student(n) for n in (3, 5, 10, 20))
    yield student_until_narrow()
    yield from (bca(n) for n in (5, 10))


def coverages(interval: Interval, orders: Mapping[tuple[int, int], int]) -> np.ndarray:
    """Return the exact coverage of an interval at each of SHARES, and just below and above each of its ends.

    Args:
        orders: counts (k, n) that a study can end with, each with its number of orders of the seeds.
    """
    ends = {count: interval(*count) for count in orders}
    at_ends = np.array(list(ends.values())).ravel()
    p = np.concatenate([SHARES, at_ends - 1e-9, at_ends + 1e-9]).clip(0, 1)
    return sum(
        ways * p**k * (1 - p) ** (n - k) * ((ends[k, n][0] <= p) & (p <= ends[k, n][1]))
        for (k, n), ways in orders.items()
    )


def share(name: str, n: int) -> Row:
    """Return the lowest and the mean coverage of an interval of a share of n seeds."""
    found = coverages(INTERVALS[name], {(k, n): comb(n, k) for k in range(n + 1)})
    return {"interval": name, "n": n, "lowest": found.min(), "mean": found[: len(SHARES)].mean()}


INTERVALS: dict[str, Interval] = {"Jeffreys": jeffreys, "Clopper-Pearson": clopper_pearson}


def shares() -> Iterator[Row]:
    """Yield intervals of shares, over all shares, exact."""
    yield from (share(name, n) for name in INTERVALS for n in (3, 5, 10, 20, 40))


def stopped(interval: Interval, width: float) -> tuple[dict[tuple[int, int], int], set[tuple[int, int]]]:
    """Return the final counts of a study with their numbers of orders, and the final counts that are unsettled."""
    going, found, before = {0: 1}, {}, 0
    for n in range(AT_LEAST, AT_MOST + 1, STEP):
        reached: dict[int, int] = {}
        for k, ways in going.items():
            for more in range(n - before + 1):
                reached[k + more] = reached.get(k + more, 0) + ways * comb(n - before, more)
        is_settled = {k: interval(k, n)[1] - interval(k, n)[0] <= width for k in reached}
        found |= {(k, n): ways for k, ways in reached.items() if is_settled[k] or n == AT_MOST}
        going, before = {k: ways for k, ways in reached.items() if not is_settled[k]}, n
    return found, {(k, AT_MOST) for k in going}


def stop(rule: str, reported: str) -> Row:
    """Return the seeds that a stopping rule needs, and the lowest coverage of the interval reported after it."""
    interval, width = RULES[rule]
    orders, unsettled = stopped(interval, width)

    def expected(p: float, of: Callable[[int, int], float]) -> float:
        return sum(ways * p**k * (1 - p) ** (n - k) * of(k, n) for (k, n), ways in orders.items())

    seeds = {f"mean n, p = {p}": expected(p, lambda _, n: n) for p in (0.1, 0.3, 0.5)}
    return {
        "stops at": rule,
        "reported": reported,
        "lowest coverage": coverages(REPORTED[reported], orders).min(),
        **seeds,
        "settled, p = 0.5": expected(0.5, lambda k, n: (k, n) not in unsettled),
    }


SETTLED = f"Clopper-Pearson {100 * SETTLED_CONFIDENCE} %"
REPORTED = {
    SETTLED: partial(clopper_pearson, confidence=SETTLED_CONFIDENCE),
    "Clopper-Pearson 95 %": clopper_pearson,
    "Jeffreys 95 %": jeffreys,
}
OURS = f"{SETTLED}, width {SETTLED_WIDTH}"
RULES: dict[str, tuple[Interval, float]] = {
    OURS: (REPORTED[SETTLED], SETTLED_WIDTH),
    "Clopper-Pearson 95 %, width 0.3": (clopper_pearson, 0.3),
    "Jeffreys 95 %, width 0.3": (jeffreys, 0.3),
}


def stopping() -> Iterator[Row]:
    """Yield rules that look at 10, 15, ... 40 seeds, exact."""
    yield from (stop(OURS, reported) for reported in REPORTED)
    yield from (stop(rule, rule.split(",")[0]) for rule in RULES if rule != OURS)


def paired_share(n: int) -> Row:
    """Return the coverage of Bonett and Price's (2012) interval of a difference of two shares of the same seeds."""
    first, second = (counts.ravel() for counts in np.mgrid[: n + 1, : n + 1])
    first, second = (counts[first + second <= n] for counts in (first, second))
    more, less = (first + 1) / (n + 2), (second + 1) / (n + 2)
    half = 1.95996 * np.sqrt((more + less - (more - less) ** 2) / (n + 2))
    found = []
    for p in np.arange(0.025, 1, 0.05):
        for q in np.arange(0.025, 1 - p, 0.05):
            chances = stats.multinomial.pmf(
                np.stack([first, second, n - first - second], 1), n, [p, q, 1 - p - q]
            )
            found.append(chances @ (np.abs(more - less - (p - q)) <= half))
    return {"n": n, "lowest": min(found), "mean": np.mean(found)}


def paired_shares() -> Iterator[Row]:
    """Yield differences of two shares of the same seeds, over shares in steps of 0.05, exact."""
    yield from (paired_share(n) for n in (5, 10, 20, 40))
