"""Names at the ends of lines, moved apart if they would overlap."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from scipy.optimize import isotonic_regression

LINE_HEIGHT = 8.5  # height of a name, in points
NAME_SIZE = 7


def names_fit(axes: Axes) -> bool:
    """Return whether the names of all lines fit next to the axes. Call it after the figure's layout."""
    return len(list(_ends(axes))) * _gap(axes) <= 1


def label_ends(axes: Axes) -> None:
    """Write each line's label to the right of the axes, connected to the line's end by a thin line of its colour.

    Call it last: the positions depend on the final limits and height of the axes.
    """
    ends = sorted(_ends(axes), key=lambda end: end[1])
    if not ends:
        return
    heights = [
        axes.transAxes.inverted().transform(axes.transData.transform((x, y)))[1] for x, y, _, _ in ends
    ]
    for (x, y, label, colour), place in zip(ends, spread(heights, _gap(axes)), strict=True):
        axes.annotate(
            label,
            xy=(x, y),
            xytext=(1.03, place),
            textcoords="axes fraction",
            va="center",
            fontsize=NAME_SIZE,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.6,
                "shrinkA": 1,
                "shrinkB": 2,
                "relpos": (0, 0.5),
            },
        )


def spread(wanted: Sequence[float], gap: float) -> np.ndarray:
    """Return positions from 0 to 1, at least `gap` apart, as close as possible to the wanted ones (ascending).

    Least squares: after subtraction of multiples of `gap`, the positions only have to ascend (isotonic regression).
    """
    steps = gap * np.arange(len(wanted))
    free = isotonic_regression(np.asarray(wanted, float) - steps).x
    return np.clip(free, 0.0, max(0.0, 1 - steps[-1])) + steps


def _gap(axes: Axes) -> float:
    """Return the height of a name as a share of the axes' height."""
    height = axes.get_window_extent().height / axes.get_figure(root=True).dpi * 72  # type: ignore[union-attr]
    return float(LINE_HEIGHT / height)


def _ends(axes: Axes) -> Iterator[tuple[float, float, str, Any]]:
    """Yield the position of the last point of each labelled line, its label and its colour."""
    for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
        line: Any = handle[0] if isinstance(handle, tuple) else handle  # error bars come as a tuple
        points = np.column_stack([line.get_xdata(), line.get_ydata()]).astype(float)
        points = points[np.isfinite(points).all(axis=1)]
        if len(points):
            x, y = points[-1].tolist()
            yield x, y, label, line.get_color()
