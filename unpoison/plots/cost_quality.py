"""Cost against quality: accuracy under attack over the cost of each repair, in weighted passes and in seconds. Up and
to the left is better and cheaper. A darker fill means that more seeds are healed.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter

from unpoison.drawing.apart import moved_apart
from unpoison.drawing.axes import metric_labels
from unpoison.drawing.counts import COLOURS, WHOLE, at_level, fpr_levels, fpr_title, with_shares
from unpoison.drawing.looks import FAMILIES, Look, families_in_order, in_order, look_of
from unpoison.drawing.names import name_points
from unpoison.drawing.style import NOTE_SIZE, PAGE_WIDTH, PerCent, interval_note, note_below
from unpoison.errors import one_of
from unpoison.levels import REFERENCES
from unpoison.types import Share

# The studies must vary one key of each tuple of NEEDS, and may vary those of ALSO; CHOOSES: options that select a
# value of a key.
NEEDS = [("deletion.recall",)]
ALSO = ("deletion.fpr",)
CHOOSES = {"recall": "deletion.recall"}
ONE_STUDY = True
TABLES = ("summary", "healed")
PASSES, TUNING, SECONDS = "weighted_passes", "tuning_passes", "unlearning_seconds"
FORWARD, BACKWARD = "forward_passes", "image_passes"  # weighted 1 and 3 if PASSES is missing
COSTS = {
    PASSES: "weighted passes",
    SECONDS: "seconds in the run",
}
MARKER, SMALL = (
    6.5,
    4.5,
)  # size of a marker with its edge, in points; the small one includes the cost of tuning
UNKNOWN = "0.85"  # fill if no seed has an outcome


def plot(summary: pd.DataFrame, healed: pd.DataFrame, *, recall: Share = 1.0) -> Figure:
    """Return a figure of accuracy under attack over cost at one recall, with a marker for each method.

    The left panel has the cost in passes, which do not depend on the machine; the right one has seconds. A small hollow
    marker includes the cost of tuning. For an attack without a trigger, the accuracy is that on the confused classes or
    on the mislabelled rows. If the study varies the FPR, each value has a row of panels.

    Args:
        summary: rows of a study that varies deletion.recall, and optionally deletion.fpr, with the column `family`.
        healed: rows of the same study.
        recall: the value of deletion.recall that is shown.

    Raises:
        UserError: for a recall that the studies do not have.
    """
    whole = summary[summary["class_name"].isna()]
    values = sorted(whole["deletion.recall"].dropna().astype(float).unique())
    if recall not in values:
        raise one_of("recall of the figure cost_quality:", recall, map(str, values))
    robust, label = list(metric_labels(whole).items())[-1]
    levels = fpr_levels(whole[whole["deletion.recall"] == recall])
    models = [_models(whole, with_shares(healed), recall, level, robust) for level in levels]
    figure = Figure(
        figsize=(PAGE_WIDTH, 0.9 + len(levels) * (1.9 + 0.06 * max(map(len, models)))), layout="constrained"
    )
    grid = figure.subplots(len(levels), len(COSTS), squeeze=False, sharex="col", sharey=True)
    for panels, level, of_level in zip(grid, levels, models, strict=True):
        for axes, cost in zip(panels, COSTS, strict=True):
            _draw_references(axes, of_level)
            _set_scales(axes, of_level, cost)
        panels[0].set_ylabel(label.replace("\n", " "))
        panels[0].set_title(
            ", ".join(filter(None, (f"recall {100 * recall:g} %", fpr_title(level)))), loc="left"
        )
        _name_references(panels[-1], of_level)
    for axes, name in zip(grid[-1], COSTS.values(), strict=True):
        axes.set_xlabel(name)
    _limit(grid[0][0], pd.concat(models))
    _key(figure, pd.concat(models))
    note_below(
        figure,
        "a forward pass of an image counts 1, forward and backward 3; seconds while other jobs ran; "
        f"{interval_note(whole)}; markers that would overlap are moved sideways",
    )
    figure.draw_without_rendering()  # computes the layout
    for panels, of_level in zip(grid, models, strict=True):
        for axes, cost in zip(panels, COSTS, strict=True):
            _draw_methods(axes, of_level, cost)
    return figure


def _models(
    whole: pd.DataFrame, healed: pd.DataFrame, recall: float, level: float | None, robust: str
) -> pd.DataFrame:
    """Return a row for each method: costs, accuracy under attack with its interval, family, share of healed seeds."""
    points, counts = (_at(table, recall, level) for table in (whole, healed))
    means = points.pivot_table(index="method", columns="metric", values="mean")
    attacked = points[points["metric"] == robust].set_index("method")
    if PASSES not in means:
        means[PASSES] = means[FORWARD] + 3 * means[BACKWARD]
    table = means.reindex(columns=[*COSTS, TUNING]).assign(robust=means[robust])
    table = table.join(attacked[["ci_low", "ci_high"]].where(attacked["n"] > 2))
    table = table.join(counts.set_index("method")["share"]).join(attacked["family"])
    return table.loc[in_order(table.index)]


def _at(table: pd.DataFrame, recall: float, level: float | None) -> pd.DataFrame:
    """Return the rows of one recall and FPR, and those of models without a deletion set."""
    chosen = at_level(table[table["deletion.recall"] == recall], level)
    return pd.concat([chosen, table[table["deletion.recall"].isna()]])


def _draw_references(axes: Axes, models: pd.DataFrame) -> None:
    for method in models.index.intersection(list(REFERENCES)):
        look = look_of(str(method), models.index)
        axes.axhline(models.loc[method, "robust"], color=look.colour, linestyle=":", linewidth=1.2, zorder=1)


def _set_scales(axes: Axes, models: pd.DataFrame, cost: str) -> None:
    """Set a logarithmic x axis over all costs, with room for names at its ends."""
    costs = models.drop(index=list(REFERENCES), errors="ignore")[cost]
    if cost == PASSES:
        costs = pd.concat([costs, costs + models[TUNING].fillna(0)])
    costs = costs[costs > 0]
    axes.set_xscale("log")
    if len(costs):
        room = (costs.max() / costs.min()) ** 0.14 * 1.2
        low, high = axes.get_xlim() if axes.get_autoscalex_on() is False else (np.inf, 0)
        axes.set_xlim(min(low, costs.min() / room), max(high, costs.max() * room))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3), numticks=8))
    axes.xaxis.set_major_formatter(EngFormatter(sep=" ") if cost == PASSES else FuncFormatter(_plain))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(PerCent())


def _plain(seconds: float, _place: int) -> str:
    return f"{seconds:g}"


def _draw_methods(axes: Axes, models: pd.DataFrame, cost: str) -> None:
    """Draw a marker with a name for each method, and a hollow one that includes the cost of tuning.

    Call it after the figure's layout: markers are moved apart in pixels.
    """
    known = models.drop(index=list(REFERENCES), errors="ignore")
    known = known[(known[cost] > 0) & known["robust"].notna()]
    if known.empty:
        return
    unit = axes.get_figure(root=True).dpi / 72  # type: ignore[union-attr]
    pixels = axes.transData.transform(known[[cost, "robust"]].to_numpy(float))
    places = axes.transData.inverted().transform(moved_apart(pixels, (MARKER + 1.5) * unit))
    names = []
    for (method, model), (x, y) in zip(known.iterrows(), places, strict=True):
        look = look_of(str(method), models.index)
        if pd.notna(model["ci_low"]):  # three seeds or more
            axes.vlines(x, model["ci_low"], model["ci_high"], color=look.colour, linewidth=0.8, alpha=0.6)
        if cost == PASSES and model[TUNING] > 0:
            tuned = model[cost] + model[TUNING]
            axes.plot([x, tuned], [y, y], color=look.colour, linewidth=0.7, alpha=0.7)
            _mark(axes, (tuned, y), look, "white", SMALL)
        fill: Any = UNKNOWN if pd.isna(model["share"]) else COLOURS(WHOLE(model["share"]))
        _mark(axes, (x, y), look, fill, MARKER)
        names.append((look.label, look.colour, (float(x), float(y))))
    name_points(axes, names, NOTE_SIZE)


def _mark(axes: Axes, place: tuple[float, float], look: Look, fill: Any, size: float) -> None:
    has_area = MarkerStyle(look.marker).is_filled()  # stroke markers have no separate edge colour
    axes.scatter(
        *place,
        s=size**2,
        marker=look.marker,
        color=fill if has_area else look.colour,
        edgecolor=look.colour if has_area else None,
        linewidth=1.3,
        zorder=3,
    )


def _limit(axes: Axes, models: pd.DataFrame) -> None:
    """Set the y limits around all means and intervals, clipped to 0 and 1, with room for names."""
    heights = models[["robust", "ci_low", "ci_high"]].clip(0, 1)
    low, high = np.nanmin(heights.to_numpy(float)), np.nanmax(heights.to_numpy(float))
    room = 0.1 * (high - low) or 0.1
    axes.set_ylim(max(low - room, -0.02), min(high + room, 1.02))


def _name_references(axes: Axes, models: pd.DataFrame) -> None:
    """Write the names of the reference models right of the axes: above the higher line, below the lower one."""
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


def _key(figure: Figure, models: pd.DataFrame) -> None:
    """Draw the legend of outlines, fills and small markers; methods have their names next to their markers."""
    hues = {family: colour for colour, family in FAMILIES.items()}
    families = [family for family in families_in_order(models["family"].dropna()) if family in hues]
    handles = [_handle(family, hues[family], "white", MARKER) for family in families]
    for share, label in ((0.0, "no seed healed"), (0.5, "half of them"), (1.0, "all seeds healed")):
        handles.append(_handle(label, "0.3", COLOURS(WHOLE(share)), MARKER))
    if models.drop(index=list(REFERENCES), errors="ignore")["share"].isna().any():
        handles.append(_handle("no outcome", "0.3", UNKNOWN, MARKER))
    if (models[TUNING] > 0).any():
        handles.append(_handle("small: with tuning", "0.3", "white", SMALL))
    title = "shape: method; outline: family; fill: seeds healed"
    figure.legend(handles=handles, loc="outside upper center", ncols=4, title=title)


def _handle(label: str, outline: str, fill: Any, size: float) -> Line2D:
    return Line2D(
        [],
        [],
        marker="o",
        linestyle="none",
        markerfacecolor=fill,
        markeredgecolor=outline,
        markeredgewidth=1.3,
        markersize=size,
        label=label,
    )
