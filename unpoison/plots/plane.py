"""Required detector quality: number of seeds that a method heals, over recall (share of the poisons found) and false
alarms. A darker cell means more seeds. Markers are real detectors with 95 % intervals of their own rates; on a light
cell a detector is not good enough for the method.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from unpoison.drawing.counts import COLOURS, DARK, SHARES_NOTE, WHOLE, judged
from unpoison.drawing.looks import detector_look, in_order, look_of
from unpoison.drawing.style import COLUMN_WIDTH, NOTE_SIZE, note_below
from unpoison.errors import one_of

# One of the studies must vary one key of each tuple.
NEEDS = [("deletion.recall",), ("deletion.fpr", "deletion.fdr")]
TABLES = ("healed", "summary")
DETECTORS = True  # further studies may have any deletion sets of detectors
RATES = {
    "deletion.fpr": "share of the clean rows deleted (FPR)",
    "deletion.fdr": "share of the deletion set that is clean (FDR)",
}
EDGE = 0.5  # width of a cell beyond the last tick, in steps
HALO = [withStroke(linewidth=2.0, foreground="white")]  # keeps bars visible on dark cells
CORNERS = [
    (across, down) for down in (0.33, -0.33) for across in (-0.3, 0.3)
]  # candidate positions of a cell's count


def plot(healed: pd.DataFrame, summary: pd.DataFrame, *, method: str | None = None) -> Figure:
    """Return a figure with a map for each method: seeds healed / seeds with an outcome, over recall and false alarms.

    Markers are the deletion sets of real detectors, with 95 % intervals of both rates. Between the ticks the axes are
    linear.

    Args:
        healed: rows of a study over recall and FPR or FDR, and of studies of detectors' deletion sets.
        summary: rows of the same studies, for the intervals of the detectors' rates.
        method: the method that is shown; None for all.

    Raises:
        UserError: for a method that the studies do not have.
    """
    whole = judged(healed)
    whole = whole[whole["deletion"].notna()]
    key = next(name for name in RATES if name in whole and whole[name].notna().any())
    methods = in_order(whole["method"])
    if method is not None and method not in methods:
        raise one_of("method of the figure plane:", method, methods)
    shown = methods if method is None else [method]
    whole = _with_ends(whole[whole["method"].isin(shown)], summary)
    names = sorted(whole["detector"].dropna().unique())
    lines = -(-len(names) // 2)
    height = 0.75 + 2.15 * len(shown) + 0.14 * lines
    figure = Figure(figsize=(COLUMN_WIDTH, height), layout="constrained")
    panels = figure.subplots(len(shown), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
    scales = _scales(whole, key)
    for axes, name in zip(panels, shown, strict=True):
        _panel(axes, whole[whole["method"] == name], key, scales, names)
        axes.set_title(look_of(name, methods).label, loc="left")
        axes.set_ylabel("poisons found (recall)")
    panels[-1].set_xlabel(RATES[key])
    if names:
        figure.legend(handles=[_handle(name, names) for name in names], loc="outside upper center", ncols=2)
    note_below(figure, _note(whole))
    return figure


def _with_ends(whole: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Return the deletion sets with the ends of the intervals of their rates."""
    place = ["study", "dataset", "poison", "training", "deletion", "method"]
    ends = [f"{rate}_{end}" for rate in ("recall", "fpr", "fdr") for end in ("low", "high")]
    rates = summary[summary["class_name"].isna()].drop_duplicates(place)[[*place, *ends]]
    return whole.merge(rates, on=place, how="left")


@dataclass(frozen=True)
class _Scale:
    """An axis on which the varied values are 1 apart; between and beyond them it is linear."""

    values: np.ndarray  # at least two, ascending

    def __call__(self, rates: Any) -> np.ndarray:
        rates, steps = np.clip(np.asarray(rates, float), 0, 1), np.diff(self.values)
        below = np.minimum(rates - self.values[0], 0) / steps[0]
        above = np.maximum(rates - self.values[-1], 0) / steps[-1]
        return np.asarray(np.interp(rates, self.values, np.arange(len(self.values))) + below + above)


def _scales(whole: pd.DataFrame, key: str) -> dict[str, _Scale]:
    """Return the axes by their rates: the varied values, extended if a detector lies far beyond an end."""
    scales = {}
    for name in (key, "deletion.recall"):
        rate = name.removeprefix("deletion.")
        values = set(whole[name].dropna().astype(float))
        if len(values) == 1:
            values |= {0.0, 1.0}
        reached = whole.loc[whole["detector"].notna(), rate].dropna()
        places = _Scale(np.asarray(sorted(values)))(reached)
        if (places < -EDGE).any():
            values.add(0.0)
        if (places > len(values) - 1 + EDGE).any():
            values.add(float(np.ceil(round(10 * reached.max(), 6)) / 10))
        scales[rate] = _Scale(np.asarray(sorted(values)))
    return scales


def _panel(axes: Axes, rows: pd.DataFrame, key: str, scales: Mapping[str, _Scale], names: list[str]) -> None:
    """Draw the cells of one method, each with its count, and the detectors on them."""
    across, down = scales.values()
    drawn, real = rows[rows["detector"].isna()], rows[rows["detector"].notna()]
    taken = _taken(real, scales)
    for cell in drawn.to_dict("records"):
        x, y = float(across(cell[key])), float(down(cell["deletion.recall"]))
        _cell(axes, x, y, cell, taken)
    for name in names:
        _detector(axes, real[real["detector"] == name], scales, names)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xticks(range(len(across.values)), [f"{100 * value:g} %" for value in across.values])
    axes.set_yticks(range(len(down.values)), [f"{100 * value:g} %" for value in down.values])
    axes.set_xlim(-0.5, len(across.values) - 0.5)
    axes.set_ylim(-0.5, len(down.values) - 0.5)


def _cell(axes: Axes, x: float, y: float, cell: Mapping[Any, Any], taken: np.ndarray) -> None:
    """Draw a coloured square with its count in the corner that is farthest from all markers and bars."""
    is_known = pd.notna(cell["share"])
    face = COLOURS(WHOLE(cell["share"])) if is_known else "none"
    edge, hatch = ("white", None) if is_known else ("0.7", "////")
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=face, edgecolor=edge, hatch=hatch))
    if not is_known:
        return
    corners = np.add((x, y), CORNERS)
    room = np.hypot(*(corners[:, None] - taken[None]).T).min(axis=0, initial=9.0)
    text_x, text_y = corners[int(np.argmax(room.round(3)))]
    axes.text(
        text_x,
        text_y,
        f"{cell['healed']}/{cell['n']}" + ("*" if cell["broken"] else ""),
        fontsize=NOTE_SIZE,
        ha="center",
        va="center",
        color="white" if cell["share"] > DARK else "0.15",
    )


def _detector(axes: Axes, rows: pd.DataFrame, scales: Mapping[str, _Scale], names: list[str]) -> None:
    """Draw the deletion sets of one detector at their achieved rates, with intervals over seeds on both axes."""
    if rows.empty:
        return
    look = detector_look(rows["detector"].iloc[0], names)
    (x, reach_x), (y, reach_y) = (_placed(rows, rate, scale) for rate, scale in scales.items())
    _, _, drawn = axes.errorbar(
        x,
        y,
        xerr=reach_x,
        yerr=reach_y,
        linestyle="none",
        elinewidth=0.8,
        ecolor=look.colour,
        clip_on=False,
        zorder=3,
    )
    for bar in drawn:
        bar.set_path_effects(HALO)
    axes.scatter(
        x,
        y,
        marker=look.marker,
        s=34,
        color=look.colour,
        edgecolors="white",
        linewidths=0.8,
        zorder=4,
        clip_on=False,
    )


def _taken(real: pd.DataFrame, scales: Mapping[str, _Scale]) -> np.ndarray:
    """Return points along all bars of detectors, including the markers, (n, 2)."""
    (x, (left, right)), (y, (low, high)) = (_placed(real, rate, scale) for rate, scale in scales.items())
    steps = np.linspace(0, 1, 12)[:, None]
    across = [(x - left + steps * (left + right)).ravel(), np.tile(y, len(steps))]
    down = [np.tile(x, len(steps)), (y - low + steps * (low + high)).ravel()]
    return np.hstack([across, down, [x, y]]).T


def _placed(rows: pd.DataFrame, rate: str, scale: _Scale) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the positions of a rate on its axis, and the lengths of its interval below and above."""
    mean = scale(rows[rate])
    low, high = (scale(rows[f"{rate}_{end}"].fillna(rows[rate])) for end in ("low", "high"))
    return mean, [mean - low, high - mean]


def _handle(name: str, names: list[str]) -> Line2D:
    look = detector_look(name, names)
    return Line2D([], [], marker=look.marker, linestyle="none", color=look.colour, label=look.label)


def _note(whole: pd.DataFrame) -> str:
    note = SHARES_NOTE
    if whole["broken"].any():
        note += "; *: at least one network is broken"
    if whole["share"].isna().any():
        note += "; hatched: no seed has an outcome"
    if whole["detector"].notna().any():
        note += "; bars: 95 % intervals of the detectors' rates (Student's t)"
    return note
