"""A normal distribution fitted to interval-censored values by maximum likelihood, and intervals of its quantiles."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from scipy import optimize
from scipy.special import log_ndtr, ndtri, stdtrit

from unpoison.proportions import CONFIDENCE

Bracket = tuple[float, float]  # a value lies in (low, high]; -inf and inf where it is left- or right-censored
LOWEST, HIGHEST = 0.0, 1.0  # quantiles that can be reported: values are shares
NARROWEST, WIDEST = (
    1e-6,
    10.0,
)  # standard deviations that stand for 0, and for a flat distribution over the shares
MEANS = np.linspace(LOWEST - 1, HIGHEST + 1, 61)[:, None, None]  # where the search starts, (means, 1, 1)
SDS = np.geomspace(NARROWEST, WIDEST, 41)[:, None]  # (sds, 1)
SEARCHES = 3  # each ten times finer than the one before; the last is in steps of 0.4 %


class Estimate(NamedTuple):
    """A quantile and the ends of its interval.

    value: None if the fitted one is not between 0 and 1, or if the brackets do not determine it.
    low, high: None if the interval has no end between 0 and 1 on that side.
    """

    value: float | None
    low: float | None
    high: float | None


class NormalLaw:
    """The normal distribution of highest likelihood, given one bracket for each seed.

    Attributes:
        mean: None if the brackets do not determine it: all are open on the same side, all end at one cut, or the share
            of values below a cut does not depend on the cut.
        sd: standard deviation; 0 where one value, or one cut between two brackets, explains all of them. None
            as `mean`.

    Source: Turnbull 1976 (The empirical distribution function with arbitrarily grouped, censored and truncated data)
    for the likelihood. It is concave in (mean / sd, 1 / sd) (Burridge 1981), so that it has one maximum.
    """

    def __init__(self, brackets: Iterable[Bracket]):
        counts = Counter((float(low), float(high)) for low, high in brackets)
        assert counts and all(low < high for low, high in counts), f"brackets of a law: {dict(counts)}"
        self.lows, self.highs = np.array(sorted(counts)).T
        self.counts = np.array([counts[bracket] for bracket in sorted(counts)])
        low, high = float(self.lows.max()), float(self.highs.min())
        cuts = {*self.lows.tolist(), *self.highs.tolist()} - {-np.inf, np.inf}
        self.mean: float | None
        self.sd: float | None
        # _mean and _sd maximise the likelihood, also if other values do so too.
        if low < high:
            self._mean, self._sd, self._maximum = (low + high) / 2, 0.0, 0.0
            is_told = bool(np.isfinite(self._mean))
        elif low == high:
            self._mean, self._sd, self._maximum = self._at_a_cut(
                low, 1.0 if len(cuts) == 1 else 10 * NARROWEST
            )
            is_told = len(cuts) > 1
        else:
            self._mean, self._sd, self._maximum = self._inside()
            is_told = self._sd < 0.99 * WIDEST
        mean, sd = (low, 0.0) if low == high else (self._mean, self._sd)
        self.mean, self.sd = (mean, sd) if is_told else (None, None)

    def _at_a_cut(self, cut: float, sd: float) -> tuple[float, float, float]:
        """Return mean, standard deviation and highest log-likelihood if all brackets end at a cut or contain it.

        The likelihood is highest in the limit of a standard deviation of 0. There the share of values below the cut is
        the share of brackets that end at the cut, among those that end or begin at it.
        """
        below, above = (self.counts[ends == cut].sum() for ends in (self.highs, self.lows))
        share = below / (below + above)
        maximum = below * np.log(share) + above * np.log1p(-share)
        return cut - sd * float(ndtri(share)), sd, float(maximum)

    def _inside(self) -> tuple[float, float, float]:
        """Return mean, standard deviation and log-likelihood at a maximum inside the parameter space."""
        tried = self._log_mass(MEANS, SDS, 0.0)  # (means, sds)
        mean, sd = np.unravel_index(int(tried.argmax()), tried.shape)
        found = optimize.minimize(
            lambda at: -float(self._log_mass(at[0], np.exp(at[1]), 0.0)),
            (float(MEANS[mean, 0, 0]), float(np.log(SDS[sd, 0]))),
            method="Nelder-Mead",
            bounds=[(None, None), (np.log(NARROWEST), np.log(WIDEST))],
            options={"xatol": 1e-6, "fatol": 1e-9},
        )
        return float(found.x[0]), float(np.exp(found.x[1])), -float(found.fun)

    def _log_mass(self, at: np.ndarray | float, sd: np.ndarray | float, score: float) -> np.ndarray:
        """Return the log-likelihood of distributions whose quantile of a normal score is `at`; sums the last axis."""
        lower, upper = (self.lows - at) / sd + score, (self.highs - at) / sd + score
        is_right = lower > 0  # the mirrored mass is equal, and accurate in the far tail
        low, high = np.where(is_right, -upper, lower), np.where(is_right, -lower, upper)
        log_high = log_ndtr(high)
        with np.errstate(divide="ignore"):
            mass = log_high + np.log1p(-np.exp(log_ndtr(low) - log_high))
        return np.asarray(mass @ self.counts)

    def _profile(self, at: float, score: float) -> float:
        """Return the highest log-likelihood of all distributions whose quantile is `at`."""
        # It has one maximum in the standard deviation, so each finer search stays near the best value found.
        sds, best = SDS, -np.inf
        for _ in range(SEARCHES):
            tried = self._log_mass(at, sds, score)
            place, best = int(tried.argmax()), float(tried.max())
            low, high = sds[[max(place - 1, 0), min(place + 1, len(sds) - 1)], 0]
            sds = np.geomspace(low, high, 21)[:, None]
        return best

    def _value(self, score: float) -> float | None:
        """Return the estimate of a quantile; only the median if the spread is 0, since all quantiles would be equal."""
        if self.mean is None or self.sd is None or (self.sd == 0 and score != 0):
            return None
        value = self.mean + score * self.sd
        return value if LOWEST <= value <= HIGHEST else None

    def quantile(self, share: float, confidence: float = CONFIDENCE) -> Estimate:
        """Return the quantile below which `share` of the values lie, with its interval by profile likelihood.

        The interval holds every quantile whose profile is close enough to the maximum: twice the distance is at most
        n log(1 + t^2 / (n - 1)), with t Student's quantile for n - 1 degrees of freedom. For values that are known
        exactly this is Student's interval of the mean. For many values it is Wilks' limit, chi-squared with one degree
        of freedom.
        `docs/results/simulations` compares the coverage of both and of the bootstrap.

        Args:
            share: between 0 and 1.
            confidence: between 0 and 1.
        """
        score, n = float(ndtri(share)), int(self.counts.sum())
        value = self._value(score)
        if n < 2:
            return Estimate(value, None, None)
        t = float(stdtrit(n - 1, (1 + confidence) / 2))
        limit = self._maximum - n * np.log1p(t**2 / (n - 1)) / 2

        def above(at: float) -> float:
            return self._profile(at, score) - limit

        # The profile has one maximum, so its highest point in [0, 1] is the one nearest to that maximum.
        top = float(np.clip(self._mean + score * self._sd, LOWEST, HIGHEST))
        low, high = _end(above, top, LOWEST), _end(above, top, HIGHEST)
        if value is not None:  # at a cut the maximum differs slightly from the estimate
            low, high = (
                (None if low is None else min(low, value)),
                (None if high is None else max(high, value)),
            )
        return Estimate(value, low, high)


def _end(above: Callable[[float], float], top: float, edge: float) -> float | None:
    """Return the zero of a falling function between top and edge; None if it is above 0 at the edge.

    If it is below 0 at the top, the interval lies outside of [0, 1], and its one end there is the top.
    """
    if above(top) < 0:
        return None if edge == top else top
    if above(edge) >= 0:
        return None
    return float(optimize.brentq(above, top, edge, xtol=1e-6))
