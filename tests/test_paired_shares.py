"""The exact coverage of the interval of a difference of paired shares, over all discordant counts."""

import numpy as np
import pytest
from scipy.stats import multinomial

from unpoison.proportions import bonett_price

STEPS = np.linspace(0, 1, 11)


@pytest.mark.parametrize(("n", "least"), [(10, 0.89), (20, 0.92), (40, 0.93)])
def test_the_interval_covers_the_difference(n: int, least: float) -> None:
    counts = [(first, second) for first in range(n + 1) for second in range(n + 1 - first)]
    ends = np.array([bonett_price(*pair, n) for pair in counts])
    tables = [(first, second, n - first - second) for first, second in counts]
    covered = []
    for first in STEPS:
        for second in STEPS[first + STEPS < 1 + 1e-9]:
            chances = multinomial.pmf(tables, n, [first, second, max(1 - first - second, 0)])
            holds = (ends[:, 0] - 1e-9 <= first - second) & (first - second <= ends[:, 1] + 1e-9)
            covered.append(chances[holds].sum())
    assert np.mean(covered) > 0.95
    assert min(covered) > least


def test_the_interval_turns_with_its_sides_and_stays_within_one() -> None:
    low, high = bonett_price(7, 1, 10)
    assert bonett_price(1, 7, 10) == pytest.approx((-high, -low))
    assert bonett_price(3, 0, 3)[1] <= 1 and bonett_price(0, 3, 3)[0] >= -1
    with pytest.raises(AssertionError, match="3 and 3 of 5 seeds are no pairs"):
        bonett_price(3, 3, 5)
