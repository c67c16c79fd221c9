"""The search ranges of options, and settings that fill them evenly."""

from collections.abc import Mapping
from math import exp, log
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from scipy.stats import qmc

DESIGN_BITS = 3  # 8 settings: a Sobol sequence is balanced for a power of 2
DIGITS = 3  # significant digits of a searched number, so that it is readable


def distribution(bounds: Mapping[str, Any]) -> BaseDistribution:
    """Return a line of a `SPACE` as an Optuna distribution.

    Args:
        bounds: {"low", "high"} with or without "log" (integers if both are), or {"choices"}.
    """
    if "choices" in bounds:
        return CategoricalDistribution(bounds["choices"])
    whole = all(isinstance(bounds[end], int) for end in ("low", "high"))
    return (IntDistribution if whole else FloatDistribution)(**bounds)


def space_filling(space: Mapping[str, BaseDistribution], seed: int) -> list[dict[str, Any]]:
    """Return eight settings that fill a space evenly: a Sobol sequence, scrambled by the seed (Owen 1998)."""
    points = qmc.Sobol(len(space), scramble=True, rng=seed).random_base2(DESIGN_BITS)  # (8, options)
    return [
        {name: _at(chosen, float(share)) for (name, chosen), share in zip(space.items(), point, strict=True)}
        for point in points
    ]


def _at(chosen: BaseDistribution, share: float) -> Any:
    """Return the quantile of a range at this share (0 to below 1)."""
    if isinstance(chosen, CategoricalDistribution):
        return chosen.choices[int(share * len(chosen.choices))]
    assert isinstance(chosen, IntDistribution | FloatDistribution), "see distribution"
    whole = isinstance(chosen, IntDistribution)
    low, high = chosen.low, chosen.high + whole  # an integer stands for the numbers up to the next one
    value = exp(log(low) + share * log(high / low)) if chosen.log else low + share * (high - low)
    return min(max(int(value // 1), chosen.low), chosen.high) if whole else min(max(value, low), high)


def rounded(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with their numbers to three digits."""
    return {
        name: float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
        for name, value in options.items()
    }
