"""Errors of R50 and R90 and coverage of their intervals, for grids of recalls and for bisection, from fixed seeds."""

from collections.abc import Iterator
from functools import cache
from math import inf
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import ndtr, ndtri

from unpoison.interval_censoring import Estimate, NormalLaw

Row = dict[str, Any]
QUANTILES = {"R50": (0.5, 0.0), "R90": (0.9, float(ndtri(0.9)))}  # shares, and their standard normal scores
NORMAL = "normal, 0.7"
LAWS = {  # distributions of the seeds' thresholds; all have standard deviation 0.12
    "normal, 0.6": stats.norm(0.6, 0.12),
    NORMAL: stats.norm(0.7, 0.12),
    "normal, 0.8": stats.norm(0.8, 0.12),
    "uniform": stats.uniform(0.5, 0.416),
    "skewed": stats.gamma(2, loc=0.5, scale=0.085),
    "U-shaped": stats.beta(0.5, 0.5, loc=0.53, scale=0.34),
}
DESIGNS = {  # the cuts between brackets, and the number of trainings of a seed
    "grid 0.2, 0.5, 0.8, 0.9, 1": ((0.2, 0.5, 0.8, 0.9, 1.0), 5),
    "grid 0.2, 0.4, 0.6, 0.8, 1": ((0.2, 0.4, 0.6, 0.8, 1.0), 5),
    "bisection of 0.2 to 1 in 3 steps": ((0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), 3),
}


def drawn(design: str, law: str, n: int, studies: int) -> np.ndarray:
    """Return the number of seeds in each bracket of each study, (studies, brackets)."""
    cuts, _ = DESIGNS[design]
    rng = np.random.default_rng([3, [*DESIGNS].index(design), [*LAWS].index(law), n])
    places = np.searchsorted(cuts, LAWS[law].rvs((studies, n), random_state=rng))
    return (places[:, :, None] == np.arange(len(cuts) + 1)).sum(axis=1)


@cache
def fitted(design: str, counts: tuple[int, ...]) -> NormalLaw:
    """Return the package's estimate."""
    ends = (-inf, *DESIGNS[design][0], inf)
    return NormalLaw([ends[place : place + 2] for place, count in enumerate(counts) for _ in range(count)])


@cache
def interval(design: str, counts: tuple[int, ...], quantile: float, confidence: float) -> Estimate:
    """Return the package's interval."""
    return fitted(design, counts).quantile(quantile, confidence)


def covers(found: Estimate, true: float) -> bool:
    """Return whether an interval contains the true value; an end of None is open."""
    return (found.low is None or found.low <= true) and (found.high is None or true <= found.high)


def error(design: str, law: str, n: int = 20, studies: int = 1000) -> Row:
    """Return bias and standard error of R50, and the number of trainings."""
    laws = [fitted(design, tuple(counts)) for counts in drawn(design, law, n, studies).tolist()]
    values = np.array([found.mean for found in laws if found.mean is not None])
    true = LAWS[law].median()
    return {
        "design": design,
        "trainings": n * DESIGNS[design][1],
        "true R50": f"{true:.1f}",
        "bias": values.mean() - true,
        "standard error": values.std(),
    }


def r50_errors() -> Iterator[Row]:
    """Yield the error of R50 with 20 seeds and normal thresholds."""
    yield from (error(design, law) for design in DESIGNS for law in ("normal, 0.6", NORMAL, "normal, 0.8"))


def bootstrapped(design: str, counts: np.ndarray, score: float, resamples: int = 400) -> tuple[float, float]:
    """Return the percentile interval of a quantile over resampled seeds, by maximum likelihood on a grid of laws."""
    means, sds, log_masses = grid(design)
    n = counts.sum()
    samples = np.random.default_rng(0).multinomial(n, counts / n, resamples)
    likelihoods = samples @ log_masses  # (resamples, laws)
    is_best = (
        likelihoods >= likelihoods.max(axis=1, keepdims=True) - 1e-6
    )  # the mean over equally good distributions
    values = (is_best @ (means + score * sds)) / is_best.sum(axis=1)
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


@cache
def grid(design: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return means and standard deviations of laws, and their log masses in the brackets, (brackets, laws)."""
    means, sds = (
        axis.ravel() for axis in np.meshgrid(np.linspace(0.2, 1.3, 111), np.geomspace(0.005, 0.6, 30))
    )
    below = ndtr((np.array([[-inf, *DESIGNS[design][0], inf]]).T - means) / sds)
    return means, sds, np.log(np.maximum(np.diff(below, axis=0), 1e-300))


def coverage(
    design: str, n: int, name: str, *, law: str = NORMAL, studies: int = 1000, resampled: int = 300
) -> Row:
    """Return the coverage of the true R50 or R90 by three kinds of intervals, and the error of its estimate."""
    counts = drawn(design, law, n, studies)
    keys = [tuple(of_study) for of_study in counts.tolist()]
    quantile, score = QUANTILES[name]
    true = float(LAWS[law].ppf(quantile))
    # Wilks' limit of the profile likelihood, 3.84, equals the package's limit at another confidence.
    wilks = 2 * stats.t.cdf(((n - 1) * np.expm1(stats.chi2.ppf(0.95, 1) / n)) ** 0.5, n - 1) - 1
    ours, by_wilks = (
        [interval(design, key, quantile, confidence) for key in keys] for confidence in (0.95, wilks)
    )
    ends = np.array([bootstrapped(design, of_study, score) for of_study in counts[:resampled]])
    told = [found.value for found in ours if found.value is not None]
    return {
        "design": design,
        "n": n,
        "coverage: Student's limit": np.mean([covers(found, true) for found in ours]),
        "chi-squared limit": np.mean([covers(found, true) for found in by_wilks]),
        "bootstrap": np.mean((ends[:, 0] <= true) & (true <= ends[:, 1])),
        "median width": np.median([inf if None in found[1:] else found.high - found.low for found in ours]),
        "no estimate": 1 - len(told) / studies,
        "bias": np.mean(told) - true,
    }


def r50_intervals() -> Iterator[Row]:
    """Yield intervals of R50: nominal coverage 0.95, true R50 0.7."""
    yield from (coverage(design, n, "R50") for design in DESIGNS for n in (3, 5, 10, 20))


def r90_intervals() -> Iterator[Row]:
    """Yield intervals of R90: nominal coverage 0.95, true R90 0.854."""
    yield from (coverage(design, n, "R90") for design in DESIGNS for n in (5, 10, 20))


def other_laws() -> Iterator[Row]:
    """Yield the same for thresholds that are not normal: 20 seeds, bisection."""
    design = [*DESIGNS][-1]
    for law in ("uniform", "skewed", "U-shaped"):
        for name, (quantile, _) in QUANTILES.items():
            row = coverage(design, 20, name, law=law, studies=500)
            del row["design"], row["n"]
            yield {"thresholds": law, "of": name, "true": float(LAWS[law].ppf(quantile)), **row}
