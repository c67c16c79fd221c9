"""Cost of clean images in the deletion set: accuracy in points gained over doing nothing, over the clean fraction Cf.
A falling line shows the cost of false alarms.
"""

from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unpoison.drawing.axes import metric_labels
from unpoison.drawing.gains import LABEL, draw_gains, gains, gains_note, show_points
from unpoison.drawing.looks import in_order, look_of
from unpoison.drawing.style import PerCent, mark_places, name_lines, nudge_of, width_of

# The studies must vary one key of each tuple.
NEEDS = [("deletion.fpr", "deletion.fdr")]
TABLES = ("paired", "summary")
SAME_RECALL = 1e-6  # largest difference between deletion sets of one recall, as counts of rows are rounded


class Reading(NamedTuple):
    """A definition of Cf. key: the varied key; displaces: True if false alarms displace poisons."""

    key: str
    displaces: bool


# In the order of the columns, with the label of each.
READINGS = {
    Reading(
        "deletion.fdr", displaces=True
    ): "Cf, share of a set of fixed size;\na false alarm displaces a poison",
    Reading("deletion.fpr", displaces=True): "Cf, share of the clean rows;\na false alarm displaces a poison",
    Reading("deletion.fdr", displaces=False): "Cf, share of the deletion set;\na false alarm comes on top",
    Reading("deletion.fpr", displaces=False): "Cf, share of the clean rows;\na false alarm comes on top",
}


def plot(paired: pd.DataFrame, summary: pd.DataFrame) -> Figure:
    """Return a figure of clean and adversarial accuracy over Cf, in points gained over doing nothing.

    Each method has a line. Models without a deletion set, such as the oracle, do not depend on Cf: they are drawn as a
    horizontal line with one interval. For an attack without a trigger, the accuracy is that on the confused classes or
    on the mislabelled rows. Each definition of Cf has a column: in a deletion set of fixed size, a false alarm
    displaces a poison.

    Args:
        paired: rows of studies that vary deletion.fpr or deletion.fdr.
        summary: rows of the same studies, for the recall of each deletion set.
    """
    read_as = readings_of(summary)
    whole = gains(paired[paired["class_name"].isna() & paired["study"].isin(read_as)])
    whole = whole.assign(reading=[READINGS[read_as[study]] for study in whole["study"]])
    readings = [reading for reading in READINGS if READINGS[reading] in set(whole["reading"])]
    figure = Figure(figsize=(width_of(len(readings)), 4.2), layout="constrained")
    panels = figure.subplots(2, len(readings), squeeze=False, sharey="row", sharex="col")
    for row, (metric, label) in enumerate(metric_labels(whole).items()):
        for column, reading in enumerate(readings):
            _panel(panels[row][column], whole[whole["metric"] == metric], reading)
        panels[row][0].set_ylabel(label)
    for column, reading in enumerate(readings):
        panels[1][column].set_xlabel(READINGS[reading])
    figure.supylabel(LABEL, fontsize=8)
    name_lines(figure, panels.flat, gains_note(whole))
    return figure


def readings_of(summary: pd.DataFrame) -> dict[str, Reading]:
    """Return each study's definition of Cf: the key that it varies, and whether its recall falls as Cf grows."""
    found = {}
    for study, rows in summary[summary["deletion"].notna()].groupby("study"):
        key = next(
            reading.key for reading in READINGS if reading.key in rows and rows[reading.key].notna().any()
        )
        recall = rows["recall"].dropna()
        found[str(study)] = Reading(key, displaces=bool(recall.max() - recall.min() > SAME_RECALL))
    return found


def _panel(axes: Axes, points: pd.DataFrame, reading: Reading) -> None:
    points = _of_reading(points, reading).drop_duplicates(["method", "place"])
    places = sorted(points["place"].dropna().unique())
    methods = in_order(points["method"])
    show_points(axes)
    for index, method in enumerate(methods):
        rows, look = points[points["method"] == method].sort_values("place"), look_of(method, methods)
        if rows["place"].isna().all():
            axes.plot(
                [places[0], places[-1]], [rows["gain"].iloc[0]] * 2, color=look.colour, linestyle=look.line
            )
            rows = rows.assign(place=places[-1])
        x = rows["place"] + nudge_of(index, len(methods), places)
        draw_gains(axes, x, rows, look, is_joined=len(places) > 2)
    mark_places(axes, places)
    axes.xaxis.set_major_formatter(PerCent())


def _of_reading(points: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Return the points of a definition of Cf with their `place` on its axis.

    Definitions in which false alarms are added to the poisons share the points at Cf = 0.
    """
    own = points[points["reading"] == READINGS[reading]]
    found = [own.assign(place=own[reading.key].astype(float))]
    for other in READINGS if not reading.displaces else ():
        if not other.displaces and other.key in points:
            same = points[(points["reading"] == READINGS[other]) & (points[other.key] == 0)]
            found.append(same.assign(place=0.0))
    return pd.concat(found)
