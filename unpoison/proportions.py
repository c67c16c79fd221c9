"""Intervals of shares of seeds, and the rule that stops a study after enough seeds."""

from math import sqrt

from scipy.special import betaincinv, ndtri

CONFIDENCE = 0.95
# The stopping rule. Repeated looks reduce coverage, and the higher nominal level compensates for that. The width lets
# 20 of 40 settle, the widest interval of 40 seeds. `tests/test_proportions.py` computes both exactly.
SETTLED_CONFIDENCE = 0.965
SETTLED_WIDTH = 0.36
AT_LEAST, AT_MOST, STEP = 10, 40, 5  # seeds: at the first look, at the last, and between two looks


def jeffreys(k: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the ends of the Jeffreys interval of a share: equal tails of the posterior under a beta(1/2, 1/2) prior.

    Its coverage is right on average over the shares, and below `confidence` for some of them.

    Args:
        k: seeds that count, such as healed ones.
        n: all seeds; (0, 1) is returned for none. Estimated numbers need not be whole.
        confidence: between 0 and 1.

    Source: Brown, Cai and DasGupta 2001 (Interval estimation for a binomial proportion), with the lower end 0 at k = 0
    and the upper end 1 at k = n.
    """
    return _ends(k, n, confidence, (k + 0.5, n - k + 0.5), (k + 0.5, n - k + 0.5))


def clopper_pearson(k: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the ends of the Clopper-Pearson interval of a share, which covers at least at `confidence`.

    The arguments are those of `jeffreys`.

    Source: Clopper and Pearson 1934 (The use of confidence or fiducial limits).
    """
    return _ends(k, n, confidence, (k, n - k + 1), (k + 1, n - k))


def _ends(
    k: float, n: float, confidence: float, of_low: tuple[float, float], of_high: tuple[float, float]
) -> tuple[float, float]:
    """Return the quantiles of two beta distributions; 0 or 1 if no seed or every seed counts."""
    assert 0 <= k <= n, f"{k} of {n} seeds is no share"
    assert 0 < confidence < 1, f"a confidence lies between 0 and 1, not at {confidence}"
    tail = (1 - confidence) / 2
    low = 0.0 if k == 0 else float(betaincinv(*of_low, tail))
    high = 1.0 if k == n else float(betaincinv(*of_high, 1 - tail))
    return low, high


def bonett_price(first: int, second: int, n: int) -> tuple[float, float]:
    """Return the ends of the adjusted Wald 95 % interval of the difference of two shares of the same seeds.

    Args:
        first: seeds that count for the first share and not for the second.
        second: seeds that count for the second share and not for the first.
        n: all seeds, including concordant ones; at least 1.

    Source: Bonett and Price 2012 (Adjusted Wald confidence interval for a difference of binomial proportions based on
    paired data): the discordant counts plus one, of n plus two; cut off at -1 and 1.
    """
    assert min(first, second) >= 0 and first + second <= n, f"{first} and {second} of {n} seeds are no pairs"
    one, other = (first + 1) / (n + 2), (second + 1) / (n + 2)
    middle = one - other
    half = float(ndtri((1 + CONFIDENCE) / 2)) * sqrt((one + other - middle**2) / (n + 2))
    return max(middle - half, -1.0), min(middle + half, 1.0)


def settled_interval(k: int, n: int) -> tuple[float, float]:
    """Return the interval that the stopping rule uses: Clopper-Pearson at 96.5 %.

    For studies that stop by the rule, this interval covers every share in at least 95 % of the studies. The 95 %
    intervals do not, because the rule looks more than once.
    """
    return clopper_pearson(k, n, SETTLED_CONFIDENCE)


def is_settled(k: int, n: int) -> bool:
    """Return whether k of n seeds determine the share well enough for the study to stop.

    The interval of `settled_interval` is at most 0.36 wide, and at least ten seeds were run. Forty seeds always settle.
    """
    low, high = settled_interval(k, n)
    return n >= AT_LEAST and high - low <= SETTLED_WIDTH
