"""Number of seeds that each method heals at each recall; a darker cell means more seeds. The best methods are at the
top. An orange corner marks a cell in which the method broke a network: more than 10 points of clean accuracy were lost.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from unpoison.drawing.counts import (
    COLOURS,
    DARK,
    SHARES_NOTE,
    WHOLE,
    at_level,
    fpr_levels,
    fpr_title,
    judged,
)
from unpoison.drawing.looks import VERMILION, look_of
from unpoison.drawing.style import COLUMN_WIDTH, NOTE_SIZE, PAGE_WIDTH, note_below

# The studies must vary one key of each tuple of NEEDS, and may vary those of ALSO.
NEEDS = [("deletion.recall",)]
ALSO = ("deletion.fpr",)
ONE_STUDY = True
TABLES = ("healed",)
ROW = 0.17  # height of a row in inches
NAMES, LETTER = 0.95, 0.075  # width in inches of the methods' names, and of a letter in a cell
CORNER = 0.32  # side of the triangle of broken networks, as a share of a cell


def plot(healed: pd.DataFrame) -> Figure:
    """Return a heat map of counts: seeds healed / seeds with an outcome, by method and recall.

    Methods are sorted by their mean over all cells. An orange corner marks a cell in which a method broke a network:
    it lost more than 10 points of clean accuracy. If the study varies the FPR, each value has a panel.

    Args:
        healed: rows of a study that varies deletion.recall, and optionally deletion.fpr.
    """
    whole = judged(healed)
    by_deletion = whole[whole["deletion"].notna()]
    recalls = sorted(by_deletion["deletion.recall"].astype(float).unique())
    levels = fpr_levels(by_deletion)
    methods = _sorted_methods(whole)
    width, across = _layout(whole, len(recalls), len(levels))
    down = -(-len(levels) // across)
    figure = Figure(figsize=(width, 0.55 + down * (0.35 + ROW * len(methods))), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).flatten()
    for axes, level in zip(panels, levels, strict=False):
        cells = pd.concat([at_level(by_deletion, level), whole[whole["deletion"].isna()]])
        _draw(axes, cells, methods, recalls)
        axes.set_title(fpr_title(level) if len(levels) > 1 else "")
        axes.set_xlabel("recall (%)", fontsize=NOTE_SIZE)
        axes.tick_params(labelbottom=True)
    for axes in panels[len(levels) :]:
        axes.set_visible(False)
    about = f"{fpr_title(levels[0])}; " if len(levels) == 1 and levels[0] is not None else ""
    is_marked = bool(whole["broken"].sum())
    corner = "; corner: at least one network is broken" if is_marked else ""
    missing = int((whole["n"] == 0).sum())
    lost = f"; hatched, without an outcome: {missing}" if missing else ""
    note_below(figure, f"{about}{SHARES_NOTE}{corner}{lost}")
    return figure


def _sorted_methods(whole: pd.DataFrame) -> list[str]:
    """Return the methods by descending mean share; ties are broken by the worst cell, then by name."""
    of_method = whole.groupby("method")["share"].agg(["mean", "min"]).reset_index()
    ordered = of_method.sort_values(["mean", "min", "method"], ascending=[False, False, True])
    return [str(method) for method in ordered["method"]]


def _layout(whole: pd.DataFrame, recalls: int, panels: int) -> tuple[float, int]:
    """Return the width in inches and the number of panels side by side, so that every count fits in its cell."""
    letters = max(3, int(whole["n"].max()) // 10 * 2 + 3)
    panel = recalls * letters * LETTER
    for width in (COLUMN_WIDTH, PAGE_WIDTH):
        if NAMES + panels * panel <= width:
            return width, panels
    return PAGE_WIDTH, max(1, int((PAGE_WIDTH - NAMES) // panel))


def _draw(axes: Axes, cells: pd.DataFrame, methods: list[str], recalls: list[float]) -> None:
    for cell in cells.to_dict("records"):
        row = methods.index(cell["method"])
        is_repair = pd.isna(cell["deletion"])
        left = 0 if is_repair else recalls.index(float(cell["deletion.recall"]))
        _cell(axes, cell, left, row, len(recalls) if is_repair else 1)
    axes.set_xlim(0, len(recalls))
    axes.set_ylim(len(methods), 0)
    axes.grid(visible=False)
    axes.set_xticks(
        [place + 0.5 for place in range(len(recalls))], [f"{100 * recall:g}" for recall in recalls]
    )
    axes.set_yticks(
        [row + 0.5 for row in range(len(methods))], [look_of(method, methods).label for method in methods]
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _cell(axes: Axes, cell: Mapping[Any, Any], left: int, row: int, width: int) -> None:
    """Draw a coloured cell with its count, or a hatched one if no seed has an outcome.

    The cell of a repair without a deletion set spans all recalls.
    """
    share = cell["share"]
    is_known = not pd.isna(share)
    face = COLOURS(WHOLE(share)) if is_known else "none"
    hatch = None if is_known else "////"
    axes.add_patch(
        Rectangle(
            (left, row), width, 1, facecolor=face, edgecolor="white" if is_known else "0.7", hatch=hatch
        )
    )
    if not is_known:
        return
    text = f"{cell['healed']}/{cell['n']}" + (" without a deletion set" if width > 2 else "")
    colour = "white" if share > DARK else "0.15"
    axes.text(left + width / 2, row + 0.53, text, ha="center", va="center", fontsize=6.5, color=colour)
    if cell["broken"]:
        right = left + width
        corner = [(right, row), (right - CORNER, row), (right, row + 1.3 * CORNER)]
        axes.add_patch(Polygon(corner, facecolor=VERMILION, edgecolor="white", linewidth=0.5))
