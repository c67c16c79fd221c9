"""How good a detector must be: what each method gains over doing nothing, over recall and FPR (or FDR), and where
real detectors stand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from unpoison.drawing.looks import in_order, look_of
from unpoison.drawing.style import NOTE_SIZE, PAGE_WIDTH
from unpoison.metrics import METRICS
from unpoison.results import CLEAN, REFERENCES, judged_by

# What one of the studies must vary: one key of each tuple.
NEEDS = [("deletion.recall",), ("deletion.fpr", "deletion.fdr")]
DETECTORS = True  # further studies may hold any deletion sets of detectors
RATES = {
    "deletion.fpr": "share of the clean rows deleted (FPR)",
    "deletion.fdr": "share of the deletion set that is clean (FDR)",
}
COLOURS = "RdBu"  # red harms, blue heals: apart for colour-blind eyes
MARKERS = "o^sDvPX*<>"
SIZES = tuple(range(90, 20, -7))  # the first is the largest, so that of markers on one spot each is seen
HALO = [withStroke(linewidth=2.4, foreground="white")]  # black is lost on the darkest cells


def plot(summary: pd.DataFrame) -> Figure:
    """For each method a map of the accuracy that it gains under attack, and one of the clean accuracy, in points.

    Args:
        summary: rows of a study over recall and FPR or FDR, and of studies of detectors' deletion sets.
    """
    whole = summary[summary["class_name"].isna()]
    key = next(name for name in RATES if name in whole and whole[name].notna().any())
    robust = judged_by(whole)[0]
    metrics = {metric: METRICS[metric].label for metric in (robust, CLEAN)}
    points = _gains(whole, list(metrics))
    methods = in_order(points["method"])
    figure = Figure(figsize=(PAGE_WIDTH, 0.9 + 2.1 * len(methods)), layout="constrained")
    panels = figure.subplots(len(methods), 2, squeeze=False, sharex=True, sharey=True)
    for column, (metric, label) in enumerate(metrics.items()):
        norm = _norm(points.loc[points["metric"] == metric, "gain"])
        for line, method in zip(panels, methods, strict=True):
            chosen = points[(points["metric"] == metric) & (points["method"] == method)]
            _panel(line[column], chosen, key, norm, with_line=metric == robust)
            line[column].set_title(f"{look_of(method, methods).label}: {label}")
        bar = figure.colorbar(
            ScalarMappable(norm, COLOURS), ax=list(panels[:, column]), location="bottom", aspect=40
        )
        bar.set_label(f"points of {label} gained over doing nothing")
    for axes in panels[:, 0]:
        axes.set_ylabel("poisons found (recall)")
    for axes in panels[-1]:
        axes.set_xlabel(RATES[key])
    _name_markers(figure, points)
    figure.supxlabel(_note(points), fontsize=NOTE_SIZE, color="0.35")
    return figure


def _gains(whole: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Every model with a deletion set, with the mean of its metric less that of doing nothing, in points."""
    place = ["study", "dataset", "poison", "training", "metric"]
    measured = whole[whole["metric"].isin(metrics)]
    nothing = measured[measured["method"] == "do_nothing"].set_index(place)["mean"].rename("nothing")
    points = measured[measured["deletion"].notna() & ~measured["method"].isin(REFERENCES)].join(
        nothing, on=place
    )
    return points.assign(gain=100 * (points["mean"] - points["nothing"]))


@dataclass(frozen=True)
class _Scale:
    """An axis on which the measured values stand evenly; between them it is linear."""

    values: np.ndarray

    def __call__(self, rates: Any) -> np.ndarray:
        return np.interp(np.asarray(rates, float), self.values, np.arange(len(self.values)))


def _panel(axes: Axes, points: pd.DataFrame, key: str, norm: Normalize, *, with_line: bool) -> None:
    drawn = points[points["detector"].isna()]
    grid = drawn.pivot_table(index="deletion.recall", columns=key, values="gain", aggfunc="first")
    of_detectors = points[points["detector"].notna()]
    rows = _reaching(grid.index, of_detectors["recall"])
    columns = _reaching(grid.columns, of_detectors[key.removeprefix("deletion.")])
    gains = grid.reindex(index=rows, columns=columns).to_numpy(float, copy=True)
    is_nothing = (rows == 0)[:, None] & ((columns == 0) | (key == "deletion.fdr"))
    gains[np.isnan(gains) & is_nothing] = 0.0  # no row deleted: doing nothing, which gains nothing
    across, down = _Scale(columns), _Scale(rows)
    axes.pcolormesh(across(columns), down(rows), gains, norm=norm, cmap=COLOURS, shading="nearest")
    if with_line and min(gains.shape) > 1 and np.nanmin(gains) < 0 < np.nanmax(gains):
        axes.contour(across(columns), down(rows), gains, levels=[0], colors="black", linewidths=1.2)
    for (row, column), gain in np.ndenumerate(gains):
        colour = "white" if abs(norm(gain) - 0.5) > 0.35 else "0.25"
        around = colormaps[COLOURS](norm(gain))  # clear of the lines that cross it
        axes.text(
            *(column - 0.45, row + 0.44, _signed(gain)),
            fontsize=6,
            va="top",
            color=colour,
            zorder=4,
            path_effects=[withStroke(linewidth=2, foreground=around)],
        )
    scales = {key.removeprefix("deletion."): across, "recall": down}
    for place, (marker, detector) in enumerate(_markers(points)):
        size = SIZES[place % len(SIZES)]
        _detector(axes, points[points["detector"] == detector], scales, norm, marker=marker, size=size)
    axes.grid(visible=False)
    axes.set_xticks(range(len(columns)), [f"{100 * value:g} %" for value in columns])
    axes.set_yticks(range(len(rows)), [f"{100 * value:g} %" for value in rows])


def _reaching(measured: pd.Index, detectors: pd.Series) -> np.ndarray:
    """The values of a grid, and one more, not measured, at an end beyond which a detector stands."""
    values = [float(value) for value in measured]
    if detectors.min() < values[0]:
        values.insert(0, 0.0)
    if detectors.max() > values[-1]:
        values.append(np.ceil(10 * detectors.max()) / 10)
    return np.asarray(values)


def _signed(points: float) -> str:
    """Whole points with their sign; nought has none, and what was not measured is a question."""
    if np.isnan(points):
        return "?"  # not measured
    return f"{points:+.0f}" if abs(points) > 0.5 else "0"


def _detector(
    axes: Axes, points: pd.DataFrame, scales: dict[str, _Scale], norm: Normalize, *, marker: str, size: int
) -> None:
    """The deletion sets of one detector where they came to stand, with intervals over seeds both ways."""
    points = points.sort_values(["fpr", "recall"])
    (across, xerr), (down, yerr) = (_placed(points, rate, scale) for rate, scale in scales.items())
    axes.plot(across, down, color="black", linewidth=0.6, linestyle=":", path_effects=HALO)
    _, _, bars = axes.errorbar(
        across, down, xerr=xerr, yerr=yerr, linestyle="none", ecolor="black", elinewidth=0.7
    )
    for bar in bars:
        bar.set_path_effects(HALO)
    axes.scatter(
        across,
        down,
        c=points["gain"],
        norm=norm,
        cmap=COLOURS,
        marker=marker,
        s=size,
        edgecolors="black",
        linewidths=0.9,
        zorder=3,
        clip_on=False,
        path_effects=HALO,
    )


def _placed(points: pd.DataFrame, rate: str, scale: _Scale) -> tuple[np.ndarray, list[np.ndarray]]:
    """Where a rate stands on its axis, and how far its interval reaches below and above."""
    mean = scale(points[rate])
    low, high = (scale(points[f"{rate}_{end}"].fillna(points[rate])) for end in ("low", "high"))
    return mean, [mean - low, high - mean]


def _markers(points: pd.DataFrame) -> Iterable[tuple[str, str]]:
    detectors = sorted(points["detector"].dropna().unique())
    return [(MARKERS[place % len(MARKERS)], name) for place, name in enumerate(detectors)]


def _name_markers(figure: Figure, points: pd.DataFrame) -> None:
    handles = [
        Line2D(
            [],
            [],
            marker=marker,
            linestyle="none",
            markerfacecolor="white",
            markeredgecolor="black",
            label=name,
        )
        for marker, name in _markers(points)
    ]
    handles.append(Line2D([], [], color="black", linewidth=1.2, label="no gain, no loss"))
    figure.legend(handles=handles, loc="outside upper center", ncols=5)


def _norm(gains: pd.Series) -> Normalize:
    """Colours centred on zero, as far on one side as on the other."""
    reach = max(1.0, float(gains.abs().max()))
    return TwoSlopeNorm(0.0, -reach, reach)


def _note(points: pd.DataFrame) -> str:
    seeds = sorted(set(points["n"].astype(int)))
    count = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    markers = "markers are real detectors, filled by their own gain, dotted lines join their thresholds"
    if seeds == [1]:
        return f"one seed; {markers};\naxes are linear between the ticks"
    return (
        f"means over {count} seeds; {markers};\n"
        "bars: 95 % intervals of both rates over the seeds; axes are linear between the ticks"
    )
