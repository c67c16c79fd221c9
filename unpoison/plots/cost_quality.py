"""Cost against quality: image passes of each method, and the adversarial accuracy that they bought."""

from itertools import product
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter, PercentFormatter
from matplotlib.transforms import Bbox, BboxBase

from unpoison.errors import one_of
from unpoison.plots._style import COLUMN_WIDTH, NOTE_SIZE, PAGE_WIDTH, in_order, interval_note, look_of
from unpoison.results import REFERENCES
from unpoison.types import Share

# What the studies must vary: one key of each tuple; what they may vary too; which options are values of a key.
NEEDS = [("deletion.recall",)]
ALSO = ("deletion.fpr",)
CHOOSES = {"recall": "deletion.recall"}
COSTS = ("image_passes", "forward_passes")
# Where a name may stand beside its point, in points to the right and up: the nearest free place is taken.
AROUND = sorted(product((-16, -6, 0, 6, 16), range(-40, 41, 8)), key=lambda place: np.hypot(*place))
SIDES: dict[int, Any] = {-1: "right", 0: "center", 1: "left"}


def plot(summary: pd.DataFrame, *, recall: Share = 1.0) -> Figure:
    """A point for each method at one recall, a panel for each FPR; what lies up and left is better and cheaper.

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
    width = COLUMN_WIDTH * 1.3 if len(levels) == 1 else PAGE_WIDTH
    figure = Figure(figsize=(width, 3.4), layout="constrained")
    panels = figure.subplots(1, len(levels), squeeze=False, sharex=True, sharey=True)[0]
    models = [_models(whole if level is None else _of_fpr(whole, level)) for level in levels]
    clean = pd.concat(models)["clean_accuracy"]
    scale = mpl.cm.ScalarMappable(Normalize(clean.min(), clean.max()), "cividis")
    for axes, level, of_level in zip(panels, levels, models, strict=True):
        _panel(axes, of_level, scale)
        axes.set_title(f"recall {recall:.0%}" + ("" if level is None else f", FPR {level:.0%}"))
    panels[0].set_ylabel("adversarial test accuracy")
    bar = figure.colorbar(scale, ax=panels.tolist(), format=PercentFormatter(1, decimals=0))
    bar.set_label("clean test accuracy")
    note = f"image passes of the method, forward and backward, or forward alone\n{interval_note(summary)}"
    figure.supxlabel(note, fontsize=NOTE_SIZE)
    figure.draw_without_rendering()  # lays the panels out
    for axes, of_level in zip(panels, models, strict=True):
        _name_points(axes, of_level)
    return figure


def _of_fpr(points: pd.DataFrame, level: float) -> pd.DataFrame:
    return points[(points["deletion.fpr"] == level) | points["deletion.recall"].isna()]


def _models(points: pd.DataFrame) -> pd.DataFrame:
    """A line for each method: its cost, its accuracies, and the ends of the adversarial one's interval."""
    means = points.pivot_table(index="method", columns="metric", values="mean")
    adversarial = points[points["metric"] == "adversarial_accuracy"].set_index("method")
    ends = adversarial[["ci_low", "ci_high"]].where(adversarial["n"] > 2)
    table = means[["adversarial_accuracy", "clean_accuracy"]].join(ends)
    return table.assign(cost=means[list(COSTS)].sum(axis=1)).loc[in_order(means.index)]


def _panel(axes: Axes, models: pd.DataFrame, scale: Any) -> None:
    for method, model in models.iterrows():
        look = look_of(str(method), models.index)
        height = model["adversarial_accuracy"]
        if method in REFERENCES:
            axes.axhline(height, color=look.colour, linestyle=":", linewidth=1.2, zorder=1)
            axes.text(
                0.99,
                height + 0.01,
                look.label,
                {"color": look.colour, "size": NOTE_SIZE, "ha": "right"},
                transform=axes.get_yaxis_transform(),
            )
            continue
        axes.vlines(model["cost"], model["ci_low"], model["ci_high"], color=look.colour, linewidth=0.9)
        axes.scatter(
            model["cost"],
            height,
            s=42,
            marker=look.marker,
            color=scale.to_rgba(model["clean_accuracy"]),
            edgecolor=look.colour,
            linewidth=1.3,
            zorder=3,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(
        EngFormatter(sep=" ")
    )  # a label at every tick, which LogFormatter leaves out
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.margins(x=0.18)


def _name_points(axes: Axes, models: pd.DataFrame) -> None:
    """Write each method's name where it covers no point and no other name, tied to its point by a hair."""
    shown = models.drop(index=list(REFERENCES), errors="ignore")[["cost", "adversarial_accuracy"]]
    inside = axes.get_window_extent()
    pixels = axes.transData.transform(shown.to_numpy())
    taken = [Bbox.from_extents(x - 6, y - 6, x + 6, y + 6) for x, y in pixels]
    taken += [text.get_window_extent() for text in axes.texts]  # of the references
    for method, place, pixel in zip(shown.index, shown.to_numpy(), pixels, strict=True):
        look = look_of(str(method), models.index)
        name = axes.annotate(
            look.label,
            tuple(place),
            (0, 0),
            textcoords="offset points",
            va="center",
            fontsize=NOTE_SIZE,
            color=look.colour,
            arrowprops={"arrowstyle": "-", "color": look.colour, "linewidth": 0.5, "shrinkB": 4},
        )
        size = Text.get_window_extent(name).size  # without the hair
        boxes = [_box(pixel, offset, size, axes.figure.dpi / 72) for offset in AROUND]
        best = int(np.argmin([_covered(box, taken, inside) for box in boxes]))
        taken.append(boxes[best])
        name.set_position(AROUND[best])
        name.set_horizontalalignment(SIDES[int(np.sign(AROUND[best][0]))])


def _box(pixel: Any, offset: tuple[int, int], size: Any, scale: float) -> Bbox:
    """The box, in pixels, of a text of that size beside a point."""
    x, y = pixel[0] + offset[0] * scale, pixel[1] + offset[1] * scale
    left = x - size[0] * (1 - np.sign(offset[0])) / 2
    return Bbox.from_bounds(left, y - size[1] / 2, *size)


def _covered(box: Bbox, taken: list[Bbox], inside: BboxBase) -> int:
    """How many names and points a box covers; leaving the axes is as bad as covering ten."""
    leaves = box.x0 < inside.x0 or box.x1 > inside.x1 or box.y0 < inside.y0 or box.y1 > inside.y1
    return sum(bool(box.overlaps(other)) for other in taken) + 10 * bool(leaves)
