"""Shares with their intervals, as a page's text and as positions on an axis."""

from dataclasses import dataclass
from itertools import pairwise

ROUNDING = 1e-9
NARROW = 0.05  # below this width an interval is shown with one decimal


@dataclass(frozen=True)
class Estimate:
    """A share (0 to 1), its 95 % interval, and the number of rows that it was measured on."""

    value: float
    low: float
    high: float
    rows: int

    def __post_init__(self) -> None:
        """Refuse a value that is not a share, or that lies outside its interval."""
        ends = (0, self.low, self.value, self.high, 1)
        is_ordered = all(one <= other + ROUNDING for one, other in pairwise(ends))
        assert is_ordered, f"an estimate needs 0 <= low <= value <= high <= 1: found {self}"


def percent(share: float) -> str:
    """Return a share in per cent: one decimal below 10 %, none above."""
    value = 100 * share
    decimals = 0 if value >= 9.95 or value == 0 else 1
    return f"{value:.{decimals}f}\N{NO-BREAK SPACE}%"


def span(estimate: Estimate) -> str:
    """Return an estimate with its interval as text, such as `5 % (2 to 10)`; with one decimal if it is narrow."""
    decimals = 1 if estimate.high - estimate.low < NARROW else 0
    value, low, high = (
        f"{100 * share:.{decimals}f}" for share in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value}\N{NO-BREAK SPACE}% ({low} to {high})"


def place(share: float) -> str:
    """Return a share as a position on an axis from 0 to 100 %, in the form of SVG and CSS."""
    return f"{100 * min(max(share, 0.0), 1.0):.2f}%"
