"""Pictures of a result: suspicious images next to typical ones, and the effect of a repair."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unpoison.drawing.looks import BLUE, VERMILION
from unpoison.drawing.style import NOTE_SIZE, PAGE_WIDTH, PerCent
from unpoison.drawing.text import drawn_name, fonts_for
from unpoison.text import shortened
from unpoison.types import StoredImages

TYPICAL, SUSPICIOUS, FLAGGED = 3, 7, 5  # images in a line
MOST = 12  # letters of a class name above an image
LINE = 0.8  # inches
GREY = "0.35"
Span = tuple[float, float, float]  # a share with the ends of its 95 % interval


@dataclass(frozen=True)
class SheetLine:
    """A class of a contact sheet.

    typical, suspicious: positions of its images; read_as: the class that the left-out model predicts for each
    suspicious image.
    """

    name: str
    typical: Sequence[int]
    suspicious: Sequence[int]
    read_as: Sequence[str]


def draw_contact_sheet(stored: StoredImages, lines: Sequence[SheetLine]) -> Figure:
    """Return a figure with a line for each class: typical images, and suspicious ones with their predicted classes.

    Args:
        stored: images, uint8, (n, height, width, 3).
        lines: the classes.
    """
    columns = TYPICAL + 1 + SUSPICIOUS
    figure = Figure(figsize=(PAGE_WIDTH, 0.3 + LINE * len(lines)), layout="constrained")
    widths = [1] * TYPICAL + [0.25] + [1] * SUSPICIOUS
    panels = figure.subplots(len(lines), columns, squeeze=False, width_ratios=widths)
    for line, axes in zip(lines, panels, strict=True):
        for each in axes:
            each.set_axis_off()
        for each, row in zip(axes, line.typical[:TYPICAL], strict=False):
            _show(each, stored[row])
        for each, row, read in zip(axes[TYPICAL + 1 :], line.suspicious, line.read_as, strict=False):
            _show(each, stored[row], VERMILION)
            _write(each, shortened(drawn_name(read), MOST))
        _write(axes[0], f"typical {drawn_name(line.name)}", is_bold=True)
    figure.supxlabel(
        "Left: images that no detector accuses. Framed: accused images with the same label.\n"
        "Above them: the prediction of a network that was trained without them.",
        fontsize=NOTE_SIZE,
        color=GREY,
    )
    return figure


def draw_before_after(
    stored: StoredImages,
    rows: Sequence[int],
    readings: Sequence[tuple[str, str]],
    shares: Sequence[tuple[str, Span, Span]],
) -> Figure:
    """Return a figure of shares before and after a repair (left), and flagged images with both predictions (right).

    Args:
        stored: images, uint8, (n, height, width, 3).
        rows: positions of flagged images; readings: the predicted class of each before and after the repair.
        shares: names such as "clean accuracy", each with the value before and after.
    """
    figure = Figure(figsize=(PAGE_WIDTH, 1.5), layout="constrained")
    grid = figure.add_gridspec(1, 2, width_ratios=[2, 3])
    left, right = figure.add_subfigure(grid[0, 0]), figure.add_subfigure(grid[0, 1])
    _compare(left.subplots(), shares)
    panels = right.subplots(1, FLAGGED, squeeze=False)[0]
    for axes, row, (before, after) in zip(panels, rows, readings, strict=False):
        _show(axes, stored[row])
        readings_of = [shortened(drawn_name(name), MOST) for name in (before, after)]
        _write(axes, "before: {}\nafter: {}".format(*readings_of))
    for axes in panels[len(rows) :]:
        axes.set_axis_off()
    return figure


def _compare(axes: Axes, shares: Sequence[tuple[str, Span, Span]]) -> None:
    for place, (_, *spans) in enumerate(shares):
        for (value, low, high), offset, colour, fill in zip(
            spans, (-0.12, 0.12), (GREY, BLUE), ("white", BLUE), strict=True
        ):
            height = place + offset
            axes.plot([low, high], [height, height], color=colour, linewidth=1.2)
            axes.plot(value, height, "o", color=colour, markerfacecolor=fill)
            axes.annotate(f"{100 * value:.0f}", (value, height), xytext=(0, -9 if offset > 0 else 5),
                          textcoords="offset points", ha="center", fontsize=NOTE_SIZE, color=colour)  # fmt: skip
    axes.set_yticks(range(len(shares)), [name for name, *_ in shares])
    axes.set_ylim(len(shares) - 0.4, -0.6)
    axes.set_xlim(-0.03, 1.03)
    axes.grid(False, axis="y")
    axes.xaxis.set_major_formatter(PerCent())
    axes.set_title("hollow: before the repair, filled: after", fontsize=NOTE_SIZE, color=GREY, loc="left")


def _show(axes: Axes, image: np.ndarray, frame: str | None = None) -> None:
    axes.imshow(image, interpolation="nearest")
    axes.set_axis_on()
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(frame is not None)
    axes.spines[:].set(color=frame, linewidth=1.4)


def _write(axes: Axes, text: str, *, is_bold: bool = False) -> None:
    weight = "bold" if is_bold else "normal"
    axes.set_title(text, fontsize=5.5, pad=2, loc="left", fontweight=weight, fontfamily=fonts_for(text))
