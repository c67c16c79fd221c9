"""Cost of clean images in the deletion set: accuracy in points gained over doing nothing, over the clean fraction Cf.
A line that falls shows what false alarms cost.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unpoison.drawing.axes import metric_labels
from unpoison.drawing.gains import LABEL, draw_gains, gains, gains_note, show_points
from unpoison.drawing.looks import in_order, look_of
from unpoison.drawing.style import PerCent, mark_places, name_lines, nudge_of, width_of

# What the studies must vary: one key of each tuple.
NEEDS = [("deletion.fpr", "deletion.fdr")]
TABLES = ("paired",)
READINGS = {
    "deletion.fpr": "Cf as share of the clean rows (FPR)",
    "deletion.fdr": "Cf as share of the deletion set (FDR)",
}


def plot(paired: pd.DataFrame) -> Figure:
    """Return clean and adversarial accuracy over Cf, in points gained over doing nothing: a line for each method.

    Models without a deletion set, such as the oracle, are the same at
    every Cf and are drawn across, with one interval. Of an attack without a trigger the accuracy on the confused
    classes, or on the mislabelled rows, stands in. A column for each reading of Cf.

    Args:
        paired: rows of studies that vary deletion.fpr or deletion.fdr.
    """
    whole = gains(paired[paired["class_name"].isna()])
    readings = [key for key in READINGS if key in whole and whole[key].notna().any()]
    figure = Figure(figsize=(width_of(len(readings)), 4.0), layout="constrained")
    panels = figure.subplots(2, len(readings), squeeze=False, sharey="row", sharex="col")
    for row, (metric, label) in enumerate(metric_labels(whole).items()):
        for column, key in enumerate(readings):
            _panel(panels[row][column], whole[whole["metric"] == metric], key, readings)
        panels[row][0].set_ylabel(label)
    for column, key in enumerate(readings):
        panels[1][column].set_xlabel(READINGS[key])
    figure.supylabel(LABEL, fontsize=8)
    name_lines(figure, panels.flat, gains_note(whole))
    return figure


def _panel(axes: Axes, points: pd.DataFrame, key: str, readings: list[str]) -> None:
    found_clean = (points[readings] == 0).any(axis=1)  # Cf = 0 is the same in both readings
    points = points.assign(place=points[key].astype(float).mask(found_clean, 0.0))
    points = points[points["place"].notna() | points["deletion"].isna()]
    points = points.drop_duplicates(["method", "place"])  # Cf = 0 may stand in the studies of both readings
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
