"""Histograms of a detector's scores, drawn as paths of a small SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 100, 40  # units of the SVG


@dataclass(frozen=True)
class Histogram:
    """How a detector's scores are distributed.

    edges: of the bins, ascending and of one width, one more than bins; accused, others: numbers of rows in each bin, of
    the classes that the detectors accuse and of all other classes; cut: the score from which on the detector accuses.
    """

    name: str
    edges: tuple[float, ...]
    accused: tuple[int, ...]
    others: tuple[int, ...]
    cut: float | None = None

    def __post_init__(self) -> None:
        """Refuse bins that do not fit to their edges."""
        bins = len(self.edges) - 1
        assert len(self.accused) == len(self.others) == bins > 0, f"{self.name} has counts of other bins"


def drawn(histogram: Histogram) -> dict[str, Any]:
    """Return what the template shows: paths of both groups on one logarithmic scale, the cut's place, the ends."""
    most = max(*histogram.accused, *histogram.others, 1)
    low, high = histogram.edges[0], histogram.edges[-1]
    cut = histogram.cut
    is_inside = cut is not None and low <= cut <= high
    return {
        "name": histogram.name,
        "low": f"{low:.3g}",
        "high": f"{high:.3g}",
        "accused": _path(histogram.accused, most),
        "others": _path(histogram.others, most),
        "accused_rows": sum(histogram.accused),
        "other_rows": sum(histogram.others),
        "cut": f"{WIDTH * (cut - low) / (high - low):.2f}" if is_inside and cut is not None else None,
    }


def _path(counts: Sequence[int], most: int) -> str:
    """Return the outline of bars, closed along the bottom; an empty bin has no height and one row has some."""
    width = WIDTH / len(counts)
    steps = []
    for place, count in enumerate(counts):
        top = HEIGHT * (1 - math.log1p(count) / math.log1p(most))
        steps.append(f"L{place * width:.2f},{top:.2f}L{(place + 1) * width:.2f},{top:.2f}")
    return f"M0,{HEIGHT}{''.join(steps)}L{WIDTH},{HEIGHT}Z"
