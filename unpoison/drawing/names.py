"""Names next to points, placed as near as possible without covering another name, a point or a line."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

# Candidate positions of a name: distances from its point, in points (1/72 inch), and number of directions.
FAR, DIRECTIONS = (9, 14, 20, 27, 36, 47, 60, 75), 24
POINT = 5  # half the side of the square that a data point occupies, in points
SWEEPS = 4  # number of times that each name is placed again, given all others
ON_NAME_OR_POINT, OUTSIDE, BY_HAIR, ON_LINE, NEAR = (
    10.0,
    30.0,
    4.0,
    6.0,
    0.03,
)  # costs of a position; NEAR: for each point of distance
Boxes = np.ndarray  # (n, 4): left, bottom, right, top, in pixels


def name_points(axes: Axes, names: Sequence[tuple[str, Any, tuple[float, float]]], size: float) -> None:
    """Write a name next to each point, connected to it by a thin line of its colour.

    Call it last, after the figure's layout: positions are computed in pixels. Names avoid lines and bars that are drawn
    by then, if there is room.

    Args:
        axes: the panel.
        names: text, colour and point (in data coordinates) of each.
        size: of the font, in points.
    """
    texts = [_write(axes, *name, size) for name in names]
    unit = axes.get_figure(root=True).dpi / 72  # type: ignore[union-attr]
    pixels = axes.transData.transform([point for _, _, point in names])
    sizes = np.array([Text.get_window_extent(text).size for text in texts])  # without the connecting lines
    lines = np.array([*_thin_boxes(axes)]).reshape(-1, 4)
    for text, offset in zip(
        texts,
        offsets_of(pixels, sizes, lines, np.array(axes.get_window_extent().extents), unit),
        strict=True,
    ):
        text.set_position(tuple(offset / unit))
        text.set_horizontalalignment({-1: "right", 0: "center", 1: "left"}[int(np.sign(offset[0]))])


def offsets_of(
    pixels: np.ndarray, sizes: np.ndarray, lines: Boxes, inside: np.ndarray, unit: float
) -> np.ndarray:
    """Return the offset of each name from its point, (n, 2), in pixels.

    Names are placed one after another, each at the cheapest free position given the others. This is repeated in every
    sweep.

    Args:
        pixels: the points, (n, 2); sizes: of the names, (n, 2); both in pixels.
        lines: boxes that names should not cover, in pixels.
        inside: left, bottom, right and top of the axes, in pixels.
        unit: pixels in a point (1/72 inch).
    """
    around = _around() * unit
    points = np.hstack([pixels - POINT * unit, pixels + POINT * unit])
    choices = [_boxes(pixel, around, size) for pixel, size in zip(pixels, sizes, strict=True)]
    taken = np.full((len(pixels), 4), np.nan)  # a name that is not placed yet covers nothing
    chosen = np.zeros(len(pixels), int)
    for _, place in product(range(SWEEPS), range(len(pixels))):
        others = np.delete(np.vstack([points, taken]), [place, len(pixels) + place], axis=0)
        boxes = choices[place]
        cost = ON_NAME_OR_POINT * _covered(boxes, np.vstack([others, points[[place]]]))
        cost += BY_HAIR * _crossed(pixels[place], around, others)
        cost += ON_LINE * _covered(boxes, lines) + OUTSIDE * _leaves(boxes, inside)
        cost += NEAR * np.hypot(*around.T) / unit
        chosen[place] = int(np.argmin(cost))
        taken[place] = boxes[chosen[place]]
    return around[chosen]


def _write(axes: Axes, text: str, colour: Any, point: tuple[float, float], size: float) -> Any:
    return axes.annotate(
        text,
        point,
        (0, 0),
        textcoords="offset points",
        va="center",
        fontsize=size,
        color=colour,
        arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 4},
        path_effects=[withStroke(linewidth=1.5, foreground="white")],
        zorder=4,
    )


def _around() -> np.ndarray:
    """Return the candidate offsets in points, (n, 2), rounded so that vertical ones are exact and names centred."""
    angles = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    return np.array([(far * np.cos(a), far * np.sin(a)) for far in FAR for a in angles]).round(6)


def _boxes(pixel: np.ndarray, around: np.ndarray, size: np.ndarray) -> Boxes:
    """Return the boxes of a text at every offset from a point: next to it, or centred above or below it."""
    low = pixel + around - size / 2
    low[:, 0] += np.sign(around[:, 0]) * size[0] / 2
    return np.hstack([low, low + size])


def _covered(boxes: Boxes, others: Boxes) -> np.ndarray:
    """Return the number of other boxes that each box overlaps."""
    one, other = boxes[:, None], others[None]
    return ((one[..., :2] < other[..., 2:]) & (other[..., :2] < one[..., 2:])).all(-1).sum(1)


def _crossed(pixel: np.ndarray, around: np.ndarray, others: Boxes) -> np.ndarray:
    """Return the number of other boxes on the line from a point to each offset, checked at twelve positions."""
    along = pixel + around[:, None] * np.linspace(0, 1, 12)[:, None]  # (offsets, 12, 2)
    hits = (along[:, :, None] > others[:, :2]) & (along[:, :, None] < others[:, 2:])
    return np.asarray(np.asarray(hits.all(-1)).any(1)).sum(1)


def _leaves(boxes: Boxes, inside: np.ndarray) -> np.ndarray:
    return np.asarray(((boxes[:, :2] < inside[:2]) | (boxes[:, 2:] > inside[2:])).any(1))


def _thin_boxes(axes: Axes) -> Iterator[np.ndarray]:
    """Yield the lines and interval bars that are drawn in the axes, as boxes one pixel wide."""
    paths = [line.get_transform().transform(line.get_xydata()) for line in axes.lines]
    for collection in axes.collections:
        for path in getattr(collection, "get_segments", list)():
            paths.append(axes.transData.transform(path))
    for ends in paths:
        yield np.concatenate([ends.min(axis=0) - 0.5, ends.max(axis=0) + 0.5])
