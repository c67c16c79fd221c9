"""Share of the seeds that each method heals, over the share of the poisons that were found (recall). There is a panel
for each family of methods. A method heals reliably from the recall at which its dots stay at 100 %.
"""

from dataclasses import replace
from textwrap import fill

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unpoison.drawing.counts import (
    SHARE_LABEL,
    at_level,
    counts_note,
    draw_counts,
    fpr_levels,
    fpr_title,
    judged,
    show_shares,
)
from unpoison.drawing.looks import families_in_order, in_order, look_of, shade
from unpoison.drawing.style import COLUMN_WIDTH, NOTE_SIZE, PAGE_WIDTH, is_first_column, name_lines

# The studies must vary one key of each tuple of NEEDS, and may vary those of ALSO.
NEEDS = [("deletion.recall",)]
ALSO = ("deletion.fpr",)
ONE_STUDY = True
TABLES = ("healed",)
COLUMNS = 3  # columns of panels if the FPR does not vary
HEIGHT = 1.2  # inches of a panel
NUDGE = 0.15  # distance of methods at one recall; recalls are 1 apart
WIDTH = 18  # letters in a line of a family's name


def plot(healed: pd.DataFrame) -> Figure:
    """Return a figure of dots with Jeffreys intervals, with a panel for each family of methods.

    If the study varies the FPR, each value has a column of panels. Methods that need no deletion set share a panel of
    their own.

    Args:
        healed: rows of a study that varies deletion.recall, and optionally deletion.fpr, with the column `family`.
    """
    whole = judged(healed)
    by_deletion, repairs = whole[whole["deletion"].notna()], whole[whole["deletion"].isna()]
    recalls = _recalls(by_deletion)
    by_deletion = by_deletion.assign(place=by_deletion["deletion.recall"].astype(float).map(recalls.index))
    levels = fpr_levels(by_deletion)
    panels = [(family, level) for family in families_in_order(by_deletion["family"]) for level in levels]
    columns = len(levels) if len(levels) > 1 else min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    free = -len(panels) % columns  # empty cells in the last row
    below = int(not repairs.empty and not free)
    width = COLUMN_WIDTH if columns == 1 else PAGE_WIDTH
    figure = Figure(figsize=(width, 0.7 + HEIGHT * (rows + below)), layout="constrained")
    grid = figure.add_gridspec(rows + below, columns)
    drawn = []
    for place, (family, level) in enumerate(panels):
        axes = figure.add_subplot(grid[divmod(place, columns)])
        of_family = by_deletion[by_deletion["family"] == family]
        _draw_family(axes, at_level(of_family, level), by_deletion["method"])
        _mark(axes, recalls)
        _entitle(axes, family, level, place, columns, is_grid=len(levels) > 1)
        drawn.append(axes)
    if not repairs.empty:
        last = grid[rows - 1, -free:] if free else grid[rows, :]
        _draw_repairs(figure.add_subplot(last), repairs)
    for axes in figure.axes:
        show_shares(axes)
        axes.tick_params(labelleft=is_first_column(axes))
    figure.supylabel(SHARE_LABEL, fontsize=8)
    about = f"{fpr_title(levels[0])}; " if len(levels) == 1 and levels[0] is not None else ""
    note = f"{about}{counts_note(whole)}; lines are guides, not fits"
    name_lines(figure, drawn, note, everywhere=len(levels) == 1)
    return figure


def _draw_family(axes: Axes, points: pd.DataFrame, all_methods: pd.Series) -> None:
    """Draw the methods of a family in shades of its hue, side by side at each recall."""
    methods = in_order(points["method"])
    for index, method in enumerate(methods):
        of_method = points[points["method"] == method].sort_values("deletion.recall")
        x = of_method["place"] + NUDGE * (index - (len(methods) - 1) / 2)
        look = look_of(method, all_methods)
        draw_counts(axes, x, of_method, replace(look, colour=shade(look.colour, index, len(methods))))


def _mark(axes: Axes, recalls: list[float]) -> None:
    axes.set_xticks(range(len(recalls)), [f"{100 * recall:g}" for recall in recalls])
    axes.set_xlim(-0.55, len(recalls) - 0.45)


def _recalls(by_deletion: pd.DataFrame) -> list[float]:
    return sorted(by_deletion["deletion.recall"].astype(float).unique())


def _entitle(
    axes: Axes, family: str, level: float | None, place: int, columns: int, *, is_grid: bool
) -> None:
    """Write families left of the rows and FPRs above the columns; without FPRs, the family above each panel."""
    axes.set_xlabel("recall (%)", fontsize=NOTE_SIZE)
    if not is_grid:
        axes.set_title(family, loc="left")
        return
    if place < columns:
        axes.set_title(fpr_title(level))
    if place % columns == 0:
        axes.set_ylabel(fill(family, WIDTH))


def _draw_repairs(axes: Axes, repairs: pd.DataFrame) -> None:
    """Draw one dot for each method that has no deletion set, with its name below."""
    methods = in_order(repairs["method"])
    for place, method in enumerate(methods):
        rows = repairs[repairs["method"] == method]
        draw_counts(axes, pd.Series(float(place), rows.index), rows, look_of(method, methods))
    axes.set_xticks(range(len(methods)), [look_of(method, methods).label for method in methods])
    axes.set_xlim(-0.6, len(methods) - 0.4)
    axes.set_title(f"{', '.join(families_in_order(repairs['family']))}: no deletion set", loc="left")
