"""One style for all figures: sizes, axes, names of lines, and the saving of files."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from unpoison.drawing.labels import label_ends, names_fit
from unpoison.drawing.looks import VERMILION, Look
from unpoison.files import written_whole

COLUMN_WIDTH = 84 / 25.4  # inches: one column of a journal
PAGE_WIDTH = 174 / 25.4  # inches: two columns
NOTE_SIZE = 7
FARTHEST = 0.1  # largest sideways shift of a method, as a share of the distance between two positions
# Figures are drawn at their final size, so these sizes are points on paper.
mpl.rcParams.update(
    {
        "font.family": "sans-serif",
        "text.parse_math": False,  # a class called $10-$20 must not be parsed as a formula
        "text.usetex": False,
        "font.size": 8,
        "axes.titlesize": 8,
        "axes.labelsize": 8,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.alpha": 0.25,
        "grid.linewidth": 0.5,
        "legend.frameon": False,
        "lines.linewidth": 1.4,
        "lines.markersize": 4.5,
        "pdf.fonttype": 42,  # TrueType, so that text stays text
        "figure.dpi": 100,
        "savefig.dpi": 200,
    }
)


class PerCent(PercentFormatter):
    """Labels of shares in per cent, with as many decimals as the ticks need to differ."""

    def __init__(self, symbol: str = "%") -> None:
        super().__init__(1, decimals=0, symbol=symbol)

    def format_ticks(self, values: Any) -> list[str]:
        """Return the labels of all ticks of an axis, with the same number of decimals, three at most."""
        per_cent = 100 * np.asarray(values, float)
        whole = (np.allclose(np.round(per_cent, decimals), per_cent, atol=1e-6) for decimals in range(3))
        self.decimals = next((decimals for decimals, tells in enumerate(whole) if tells), 3)
        labels: list[str] = super().format_ticks(values)
        return labels


def draw_line(axes: Axes, points: pd.DataFrame, x: str, look: Look, nudge: float) -> None:
    """Draw means with their 95 % intervals over seeds; a sideways shift `nudge` keeps intervals apart.

    For two seeds the bar joins their two values, as the interval would reach 13 standard errors to each side.
    """
    points = points.sort_values(x)
    places = points[x].astype(float) + nudge
    half = points["sd"] / 2**0.5  # half the distance of two values
    below, above = points["mean"] - points["ci_low"], points["ci_high"] - points["mean"]
    reach = [side.where(points["n"] > 2, half).fillna(0).clip(lower=0) for side in (below, above)]
    axes.errorbar(
        places,
        points["mean"],
        yerr=reach,
        label=look.label,
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        elinewidth=0.9,
        capsize=2,
    )


def width_of(columns: int) -> float:
    """Return the width in inches of a figure with this number of columns of panels: one or two journal columns."""
    return COLUMN_WIDTH if columns == 1 else PAGE_WIDTH


def nudge_of(index: int, methods: int, places: list[float]) -> float:
    """Return the sideways offset of a method, small enough to stay near its position, so that no interval is hidden."""
    step = 0.012 * (places[-1] - places[0] or 1.0)
    if len(places) > 1:
        nearest = min(after - before for before, after in pairwise(places))
        step = min(step, FARTHEST * nearest / max((methods - 1) / 2, 1))
    return (index - (methods - 1) / 2) * step


def mark_places(axes: Axes, places: list[float]) -> None:
    """Set the ticks to the measured values, with room around them."""
    room = 0.07 * (places[-1] - places[0]) or 0.5
    axes.set_xticks(places)
    axes.set_xlim(places[0] - room, places[-1] + room)


def finish(figure: Figure, panels: Iterable[Axes], note: str) -> None:
    """Set the y axes to per cent, name the lines at their ends or in one legend, and write a note below."""
    panels = list(panels)
    for axes in panels:
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -0.02), min(high, 1.02))
        axes.yaxis.set_major_formatter(PerCent())
    name_lines(figure, panels, note)


def name_lines(figure: Figure, panels: Iterable[Axes], note: str, *, everywhere: bool = False) -> None:
    """Name the lines at their ends in the last column if the names fit, else in one legend; write a note below.

    Call it last: the names depend on the final ends of the lines.

    Args:
        figure: it is laid out here.
        panels: its axes.
        note: the text below.
        everywhere: each panel has different lines, so all panels are labelled and not only the last column.
    """
    panels = list(panels)
    note_below(figure, note)
    figure.draw_without_rendering()  # computes the layout
    last = [axes for axes in panels if everywhere or _is_last_column(axes)]
    if all(names_fit(axes) for axes in last):
        for axes in last:
            label_ends(axes)
        return
    legend_above(figure, panels)


def legend_above(figure: Figure, panels: Iterable[Axes]) -> None:
    """Write one legend of all lines above the panels."""
    named = {
        label: handle
        for axes in panels
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    columns = 5 if figure.get_figwidth() > COLUMN_WIDTH * 1.5 else 3
    figure.legend(list(named.values()), list(named), loc="outside upper center", ncols=columns)


def note_below(figure: Figure, note: str) -> None:
    """Write a note below all panels, in lines that fit the figure's width."""
    letters = int(
        figure.get_figwidth() * 72 / (0.55 * NOTE_SIZE)
    )  # average width of a letter: 0.55 of its size
    figure.supxlabel(fill(note, letters), fontsize=NOTE_SIZE, color="0.35")


def note_first(figure: Figure, note: str) -> None:
    """Put a sentence before the note below all panels; an empty one changes nothing."""
    if note:
        rest = " ".join(figure.get_supxlabel().split())
        note_below(figure, f"{note}; {rest}" if rest else note)


def _is_last_column(axes: Axes) -> bool:
    place = axes.get_subplotspec()
    return place is None or place.is_last_col()


def is_first_column(axes: Axes) -> bool:
    """Return whether a panel is in the first column."""
    place = axes.get_subplotspec()
    return place is None or place.is_first_col()


def interval_note(summary: pd.DataFrame) -> str:
    """Return the note on the bars: number of seeds and kind of interval."""
    seeds = sorted(set(summary["n"].astype(int)))
    if seeds == [1]:
        return "one seed: no intervals"
    if seeds == [2]:
        return "mean of two seeds; bars join their two values (too few for an interval)"
    count = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return f"mean over {count} seeds; bars: 95 % interval of the mean (Student's t)"


def save(figure: Figure, pdf: str | Path, png: str | Path, note: str = "") -> None:
    """Write both files of a figure, without a creation time, so that equal figures give equal files.

    Args:
        figure: the figure.
        pdf, png: the paths.
        note: a caveat on its numbers, written in small letters below the whole figure.
    """
    room: dict[str, Any] = {}
    if note:
        letters = int(figure.get_figwidth() * 72 / (0.55 * NOTE_SIZE))
        figure.text(
            0.5, -0.01, fill(note, letters), ha="center", va="top", fontsize=NOTE_SIZE, color=VERMILION
        )
        room = {"bbox_inches": "tight"}  # the note lies below the layout
    for path, metadata in ((pdf, {"CreationDate": None}), (png, {"Software": None})):
        with written_whole(path) as temporary:
            figure.savefig(temporary, metadata=metadata, **room)
