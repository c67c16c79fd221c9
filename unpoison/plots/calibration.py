"""The held-out check against the truth: the estimated attack success of each repair over the measured one. On the
diagonal both agree; above it the check overestimates the attack.
"""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unpoison.drawing.looks import in_order, look_of
from unpoison.drawing.style import COLUMN_WIDTH, NOTE_SIZE, PAGE_WIDTH, PerCent

# Keys that the studies must vary, and keys that they may vary; each value is a deletion set that is checked.
NEEDS = [("deletion.recall",)]
ALSO = ("deletion.fpr", "deletion.fdr")
VERIFIED = True
TRUTH, ESTIMATE = "attack_success_rate", "held_out_attack_success"


def plot(summary: pd.DataFrame) -> Figure:
    """Return a figure with a point for each method and deletion set, and a panel for each share of false alarms.

    Points and bars are means over seeds of the estimate and of the ends of its 95 % interval.

    Args:
        summary: rows of studies that are verified and vary deletion.recall, and optionally deletion.fdr or
            deletion.fpr.
    """
    chosen = summary[summary["class_name"].isna() & summary["deletion"].notna()]
    key = next((name for name in ALSO if name in chosen and chosen[name].notna().any()), None)
    levels: list[Any] = sorted(chosen[key].dropna().unique()) if key else [None]
    width = PAGE_WIDTH if len(levels) > 1 else 1.4 * COLUMN_WIDTH
    figure = Figure(figsize=(width, 3.2), layout="constrained")
    panels = figure.subplots(1, len(levels), squeeze=False, sharex=True, sharey=True)[0]
    methods = in_order(chosen["method"].unique())
    for axes, level in zip(panels, levels, strict=True):
        shown = chosen if key is None else chosen[chosen[key] == level]
        _panel(axes, _points(shown), methods)
        if key is not None:
            axes.set_title(f"{key.removeprefix('deletion.').upper()} {level:.0%}")
    panels[0].set_ylabel("attack success by the held-out check")
    figure.supxlabel(
        "attack success rate on triggered test images; darker: more of the poisons are flagged",
        fontsize=NOTE_SIZE,
    )
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper")
    return figure


def _points(shown: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each method and recall: truth, estimate and the ends of its interval."""
    table = shown.pivot_table(index=["method", "deletion.recall"], columns="metric", values="mean")
    table = table.reindex(
        columns=[TRUTH, ESTIMATE, f"{ESTIMATE}_low", f"{ESTIMATE}_high"]
    )  # a column may be missing in an unfinished run
    return table.dropna().reset_index()


def _panel(axes: Axes, points: pd.DataFrame, methods: list[str]) -> None:
    axes.plot((0, 1), (0, 1), color="0.6", linewidth=0.8, zorder=1)
    most = points["deletion.recall"].max()
    for method in methods:
        look = look_of(method, methods)
        for point in points[points["method"] == method].to_dict("records"):
            strength = 0.35 + 0.65 * (point["deletion.recall"] / most) ** 3
            axes.errorbar(
                point[TRUTH],
                point[ESTIMATE],
                [
                    [point[ESTIMATE] - point[f"{ESTIMATE}_low"]],
                    [point[f"{ESTIMATE}_high"] - point[ESTIMATE]],
                ],
                fmt=look.marker,
                color=look.colour,
                alpha=strength,
                elinewidth=0.8,
                label=look.label if point["deletion.recall"] == most else None,
            )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PerCent())
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
