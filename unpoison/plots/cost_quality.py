"""Cost against quality: image passes of each method, and the adversarial accuracy that they bought."""

from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from unpoison.drawing.axes import metric_labels
from unpoison.drawing.looks import in_order, look_of
from unpoison.drawing.names import name_points
from unpoison.drawing.style import COLUMN_WIDTH, NOTE_SIZE, PAGE_WIDTH, PerCent, interval_note
from unpoison.errors import one_of
from unpoison.metrics import METRICS
from unpoison.results import CLEAN, REFERENCES
from unpoison.types import Share

# What the studies must vary: one key of each tuple; what they may vary too; which options are values of a key.
NEEDS = [("deletion.recall",)]
ALSO = ("deletion.fpr",)
CHOOSES = {"recall": "deletion.recall"}
COSTS = ("image_passes", "forward_passes")
MANY = 8  # methods that a column's width has room for


def plot(summary: pd.DataFrame, *, recall: Share = 1.0) -> Figure:
    """A point for each method at one recall, a panel for each FPR; what lies up and left is better and cheaper.

    Of an attack without a trigger the accuracy on the confused classes, or on the mislabelled rows, stands in.
    Image passes forward alone are added to those forward and backward. do_nothing and oracle are drawn across.

    Args:
        summary: rows of studies that vary deletion.recall, and deletion.fpr or not.
        recall: the value of deletion.recall that is shown.

    Raises:
        UserError: for a recall that the studies do not have.
    """
    whole = summary[summary["class_name"].isna()]
    values = sorted(whole["deletion.recall"].dropna().astype(float).unique())
    if recall not in values:
        raise one_of("recall of the figure cost_quality:", recall, map(str, values))
    whole = whole[(whole["deletion.recall"] == recall) | whole["deletion.recall"].isna()]
    has_fpr = "deletion.fpr" in whole and whole["deletion.fpr"].notna().any()
    levels: list[Any] = sorted(whole["deletion.fpr"].dropna().unique()) if has_fpr else [None]
    robust, label = list(metric_labels(whole).items())[-1]
    models = [_models(whole if level is None else _of_fpr(whole, level), robust) for level in levels]
    most = max(map(len, models))
    width = COLUMN_WIDTH * 1.3 if len(levels) == 1 and most <= MANY else PAGE_WIDTH
    figure = Figure(figsize=(width, 2.8 + 0.08 * most), layout="constrained")
    panels = figure.subplots(1, len(levels), squeeze=False, sharex=True, sharey=True)[0]
    clean = pd.concat(models)["clean_accuracy"]
    scale = mpl.cm.ScalarMappable(Normalize(clean.min(), clean.max()), "cividis")
    for axes, level, of_level in zip(panels, levels, models, strict=True):
        _panel(axes, of_level, scale)
        axes.set_title(f"recall {recall:.0%}" + ("" if level is None else f", FPR {level:.0%}"))
    panels[0].set_ylabel(label.replace("\n", " "))
    bar = figure.colorbar(scale, ax=panels.tolist(), format=PerCent())
    bar.set_label(METRICS[CLEAN].label)
    note = f"image passes of the method, forward and backward, or forward alone\n{interval_note(summary)}"
    figure.supxlabel(note, fontsize=NOTE_SIZE)
    _limit(panels[0], pd.concat(models))
    _name_references(panels[-1], models[-1])
    figure.draw_without_rendering()  # lays the panels out
    for axes, of_level in zip(panels, models, strict=True):
        name_points(axes, list(_names(of_level)), NOTE_SIZE)
    return figure


def _of_fpr(points: pd.DataFrame, level: float) -> pd.DataFrame:
    return points[(points["deletion.fpr"] == level) | points["deletion.recall"].isna()]


def _models(points: pd.DataFrame, robust: str) -> pd.DataFrame:
    """A line for each method: its cost, its accuracies, and the ends of the interval of `robust`, that under attack."""
    means = points.pivot_table(index="method", columns="metric", values="mean")
    attacked = points[points["metric"] == robust].set_index("method")
    ends = attacked[["ci_low", "ci_high"]].where(attacked["n"] > 2)
    table = means[["clean_accuracy"]].assign(robust=means[robust]).join(ends)
    return table.assign(cost=means[list(COSTS)].sum(axis=1)).loc[in_order(means.index)]


def _panel(axes: Axes, models: pd.DataFrame, scale: Any) -> None:
    for method, model in models.iterrows():
        look = look_of(str(method), models.index)
        height = model["robust"]
        if method in REFERENCES:
            axes.axhline(height, color=look.colour, linestyle=":", linewidth=1.2, zorder=1)
            continue
        if pd.notna(model["ci_low"]):  # of three seeds or more
            axes.vlines(model["cost"], model["ci_low"], model["ci_high"], color=look.colour, linewidth=0.9)
        has_area = MarkerStyle(look.marker).is_filled()  # strokes have no edge beside their colour
        axes.scatter(
            model["cost"],
            height,
            s=42,
            marker=look.marker,
            color=scale.to_rgba(model["clean_accuracy"]),
            edgecolor=look.colour if has_area else None,
            linewidth=1.3,
            zorder=3,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(
        EngFormatter(sep=" ")
    )  # a label at every tick, which LogFormatter leaves out
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(PerCent())
    axes.margins(x=0.18)


def _limit(axes: Axes, models: pd.DataFrame) -> None:
    """All means and intervals with room for names, and no accuracy below 0 or above 1, where intervals may end."""
    heights = models[["robust", "ci_low", "ci_high"]].clip(0, 1)
    low, high = np.nanmin(heights.to_numpy(float)), np.nanmax(heights.to_numpy(float))
    room = 0.1 * (high - low) or 0.1
    axes.set_ylim(max(low - room, -0.02), min(high + room, 1.02))


def _name_references(axes: Axes, models: pd.DataFrame) -> None:
    """Names of the references to the right of the axes, the higher one above its line and the lower one below."""
    shown = models.loc[[name for name in REFERENCES if name in models.index], "robust"]
    for method, height in shown.items():
        look = look_of(str(method), models.index)
        axes.annotate(
            look.label,
            (1, height),
            (3, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            va="bottom" if height == shown.max() else "top",
            fontsize=NOTE_SIZE,
            color=look.colour,
            annotation_clip=False,
        )


def _names(models: pd.DataFrame) -> Iterator[tuple[str, str, tuple[float, float]]]:
    """For each method that is a point its name, its colour and where it stands."""
    for method, model in models.drop(index=list(REFERENCES), errors="ignore").iterrows():
        look = look_of(str(method), models.index)
        yield look.label, look.colour, (model["cost"], model["robust"])
