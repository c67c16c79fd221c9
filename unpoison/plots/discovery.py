"""The discovery curve: what each method makes of the share of the poisons that were found."""

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from unpoison.drawing.looks import Look, in_order, look_of
from unpoison.drawing.style import NOTE_SIZE, PAGE_WIDTH, PerCent, draw_line, interval_note, mark_places
from unpoison.levels import REFERENCES

# What the studies must vary: one key of each tuple; and what they may vary too.
NEEDS = [("deletion.recall",)]
ALSO = ("deletion.fpr",)
COLUMNS = 5
LINES = ("-", "--", "-.", ":")  # of the first FPR, the second ...; markers are full for the first alone
CLEAN = "0.55"


def plot(summary: pd.DataFrame) -> Figure:
    """A panel for each method: adversarial and clean accuracy over recall, a line for each FPR.

    Args:
        summary: rows of studies that vary deletion.recall, and deletion.fpr or not. The adversarial accuracy of
            do_nothing and oracle is drawn across every panel; a method without a deletion set is the same everywhere.
    """
    points = summary[summary["class_name"].isna()].assign(fpr_level=_levels(summary))
    names = in_order(points["method"])
    methods = [name for name in names if name not in REFERENCES]
    columns = min(COLUMNS, len(methods))
    rows = -(-len(methods) // columns)
    figure = Figure(figsize=(PAGE_WIDTH, 0.95 + 1.25 * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat)
    for axes, method in zip(panels, methods, strict=False):
        _panel(axes, points, method, look_of(method, names))
    top = min(1.0, math.ceil(10 * max(axes.dataLim.ymax for axes in panels[: len(methods)])) / 10)
    panels[0].set_ylim(-0.02, top + 0.02)
    for axes in panels[len(methods) :]:
        axes.set_visible(False)
    for axes in panels[max(0, len(methods) - columns) : len(methods)]:
        axes.xaxis.set_tick_params(labelbottom=True)
    figure.supylabel("accuracy", fontsize=8)
    figure.supxlabel(
        f"share of the poisons in the deletion set (recall)\n{interval_note(summary)}", fontsize=NOTE_SIZE
    )
    figure.legend(handles=_key(_fprs(points)), loc="outside upper center", ncols=3)
    return figure


def _levels(summary: pd.DataFrame) -> pd.Series:
    """The FPR that a cell asks for; 0 where the study does not vary it."""
    if "deletion.fpr" not in summary:
        return pd.Series(0.0, index=summary.index)
    return summary["deletion.fpr"].astype(float).fillna(0.0)


def _fprs(points: pd.DataFrame) -> list[float]:
    return sorted(points["fpr_level"].unique())


def _panel(axes: Axes, points: pd.DataFrame, method: str, look: Look) -> None:
    places = sorted(points["deletion.recall"].dropna().astype(float).unique())
    adversarial = points[points["metric"] == "adversarial_accuracy"]
    for reference in REFERENCES:
        colour = look_of(reference, REFERENCES).colour
        for level in adversarial.loc[adversarial["method"] == reference, "mean"].unique():
            axes.axhline(level, color=colour, linestyle=":", linewidth=1, zorder=1)
    for metric, colour, marker in (
        ("clean_accuracy", CLEAN, ""),
        ("adversarial_accuracy", look.colour, look.marker),
    ):
        chosen = points[(points["metric"] == metric) & (points["method"] == method)]
        for place, level in enumerate(_fprs(points)):
            of_level = chosen[chosen["fpr_level"] == level]
            if of_level.empty:
                continue
            before = len(axes.lines)
            drawn = Look(f"{method} {metric} {level}", colour, marker, LINES[place % len(LINES)])
            draw_line(axes, _at_every(of_level, places), "deletion.recall", drawn, 0.0)
            axes.lines[before].set_markerfacecolor(colour if place == 0 else "white")
    mark_places(axes, places)
    axes.set_xticks([places[0], *([0.5] if places[0] < 0.4 else []), places[-1]])
    axes.xaxis.set_major_formatter(PerCent(symbol=""))
    axes.yaxis.set_major_formatter(PerCent())
    axes.set_title(look.label, color=look.colour)


def _at_every(points: pd.DataFrame, places: list[float]) -> pd.DataFrame:
    """What has no deletion set is the same at every recall."""
    if points["deletion.recall"].notna().any():
        return points
    return pd.concat([points.assign(**{"deletion.recall": place}) for place in places])


def _key(fprs: list[float]) -> list[Line2D]:
    """What solid and dashed, full and empty, coloured and grey mean."""
    handles = []
    for label, colour, marker in (("adversarial", "black", "o"), ("clean", CLEAN, "")):
        for place, level in enumerate(fprs):
            name = f"{label} accuracy" + (f", FPR {level:.0%}" if len(fprs) > 1 else "")
            handles.append(_handle(name, colour, LINES[place % len(LINES)], marker))
            handles[-1].set_markerfacecolor(colour if place == 0 else "white")
    for reference in REFERENCES:
        look = look_of(reference, REFERENCES)
        handles.append(_handle(f"{look.label}, adversarial", look.colour, ":", ""))
    return handles


def _handle(label: str, colour: str, line: Any, marker: str) -> Line2D:
    return Line2D([], [], color=colour, linestyle=line, marker=marker, label=label)
