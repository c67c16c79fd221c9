"""One look for all figures: colours and names of methods, sizes, and how a figure is saved."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from unpoison.files import written_whole
from unpoison.results import ENOUGH

PAGE_WIDTH = 174 / 25.4  # inches: two columns of a journal
mpl.rcParams.update(
    {
        "font.family": "sans-serif",
        "font.size": 8,
        "axes.titlesize": 8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.25,
        "grid.linewidth": 0.5,
        "legend.frameon": False,
        "lines.linewidth": 1.4,
        "lines.markersize": 4.5,
        "pdf.fonttype": 42,  # real text
        "figure.dpi": 100,
        "savefig.dpi": 200,
    }
)


@dataclass(frozen=True)
class Look:
    """How a method is drawn; lines and markers differ too, for readers without colour."""

    label: str
    colour: str
    marker: str
    line: str


# Okabe and Ito's colours, which stay apart for colour-blind eyes; in the order of every legend.
LOOKS = {
    "oracle": Look("oracle", "#009E73", "D", ":"),
    "retrain": Look("EU (retrain)", "#0072B2", "o", "-"),
    "finetune": Look("CF (finetune)", "#E69F00", "s", "--"),
    "do_nothing": Look("do nothing", "#000000", "X", ":"),
}
SPARE_COLOURS = ("#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
SPARE_MARKERS = ("^", "v", "P", "<", ">")
METRIC_LABELS = {
    "clean_accuracy": "clean test\naccuracy",
    "adversarial_accuracy": "adversarial test\naccuracy",
}


def in_order(methods: Iterable[str]) -> list[str]:
    """Methods in the order of every legend: known ones first, others by name."""
    known = list(LOOKS)
    return sorted(set(methods), key=lambda name: (known.index(name) if name in known else len(known), name))


def look_of(method: str, methods: Iterable[str]) -> Look:
    """The look of a method; one that has none of its own gets a spare one, the same in every figure of a study."""
    if method in LOOKS:
        return LOOKS[method]
    place = sorted(set(methods) - set(LOOKS)).index(method)
    return Look(method, SPARE_COLOURS[place % 5], SPARE_MARKERS[place % 5], "-.")


def draw_line(axes: Axes, points: pd.DataFrame, x: str, look: Look, nudge: float) -> None:
    """Means with their 95 % intervals over seeds; `nudge` sideways keeps intervals apart.

    Two seeds are drawn as what they are, two values: their interval is 13 standard errors to each side.
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


def nudge_of(index: int, methods: int, places: list[float]) -> float:
    """How far sideways a method is drawn, so that the intervals of all are seen."""
    return (index - (methods - 1) / 2) * 0.012 * (places[-1] - places[0] or 1.0)


def mark_places(axes: Axes, places: list[float]) -> None:
    """Ticks at the values that were measured, with room around them."""
    room = 0.07 * (places[-1] - places[0]) or 0.5
    axes.set_xticks(places)
    axes.set_xlim(places[0] - room, places[-1] + room)


def finish(figure: Figure, panels: Iterable[Axes], note: str) -> None:
    """Per cent on the left, one legend above all panels, a note below them."""
    panels = list(panels)
    for axes in panels:
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -0.02), min(high, 1.02))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    columns = 4 if figure.get_figwidth() > 5 else 2
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, fontsize=8)
    figure.supxlabel(note, fontsize=6.5, color="0.35")


def interval_note(summary: pd.DataFrame) -> str:
    """What the bars are, and over how many seeds."""
    seeds = sorted(set(summary["n"].astype(int)))
    if seeds == [1]:
        return "one seed: no intervals"
    if seeds == [2]:
        return "mean of two seeds; bars join their two values (too few for an interval)"
    count = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    by_t, by_bootstrap = seeds[0] < ENOUGH, seeds[-1] >= ENOUGH
    kind = " or ".join(["Student's t"] * by_t + ["bootstrap"] * by_bootstrap)
    return f"mean over {count} seeds; bars: 95 % interval of the mean ({kind})"


def save(figure: Figure, pdf: str | Path, png: str | Path) -> None:
    """Both files of a figure, without a time of making, so that equal figures are equal files."""
    for path, metadata in ((pdf, {"CreationDate": None}), (png, {"Software": None})):
        with written_whole(path) as temporary:
            figure.savefig(temporary, metadata=metadata)
