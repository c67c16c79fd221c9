"""Histograms of a detector's scores, drawn as paths of a small SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 100, 40  # units of the SVG


@dataclass(frozen=True)
class Histogram:
    """The distribution of a detector's scores.

    name: of the detector; edges: of the bins, ascending and of equal width, one more than there are bins; accused,
    others: numbers of rows in each bin, of classes that do not look clear and of all others; cut: the score from which
    on the detector accuses a row, None if it is not shown.
    """

    name: str
    edges: tuple[float, ...]
    accused: tuple[int, ...]
    others: tuple[int, ...]
    cut: float | None = None

    def __post_init__(self) -> None:
        """Refuse counts that do not match the number of bins."""
        bins = len(self.edges) - 1
        assert len(self.accused) == len(self.others) == bins > 0, (
            f"{self.name}: needs {bins} counts, one a bin"
        )


def drawn(histogram: Histogram) -> dict[str, Any]:
    """Return the template's values: both paths on one logarithmic scale, the cut's position, the ends."""
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
    """Return the outline of the bars, closed along the bottom; a bin of one row is visible, an empty one is not."""
    width = WIDTH / len(counts)
    steps = []
    for place, count in enumerate(counts):
        top = HEIGHT * (1 - math.log1p(count) / math.log1p(most))
        steps.append(f"L{place * width:.2f},{top:.2f}L{(place + 1) * width:.2f},{top:.2f}")
    return f"M0,{HEIGHT}{''.join(steps)}L{WIDTH},{HEIGHT}Z"
