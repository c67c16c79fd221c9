"""What clean images in the deletion set cost: accuracy over the clean fraction Cf, in one or both of its readings."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unpoison.drawing.axes import metric_labels
from unpoison.drawing.looks import in_order, look_of
from unpoison.drawing.style import (
    draw_line,
    finish,
    interval_note,
    mark_places,
    nudge_of,
    width_of,
)

# What the studies must vary: one key of each tuple.
NEEDS = [("deletion.fpr", "deletion.fdr")]
READINGS = {
    "deletion.fpr": "Cf as share of the clean rows (FPR)",
    "deletion.fdr": "Cf as share of the deletion set (FDR)",
}


def plot(summary: pd.DataFrame) -> Figure:
    """Clean and adversarial accuracy over Cf, a line for each method, a column for each reading.

    Of an attack without a trigger the accuracy on the confused classes, or on the mislabelled rows, stands in.

    Args:
        summary: rows of studies that vary deletion.fpr or deletion.fdr; references are drawn across.
    """
    whole = summary[summary["class_name"].isna()]
    readings = [key for key in READINGS if key in whole and whole[key].notna().any()]
    figure = Figure(figsize=(width_of(len(readings)), 4.0), layout="constrained")
    panels = figure.subplots(2, len(readings), squeeze=False, sharey="row", sharex="col")
    for row, (metric, label) in enumerate(metric_labels(whole).items()):
        for column, key in enumerate(readings):
            _panel(panels[row][column], whole[whole["metric"] == metric], key)
        panels[row][0].set_ylabel(label)
    for column, key in enumerate(readings):
        panels[1][column].set_xlabel(READINGS[key])
    finish(figure, panels.flat, interval_note(whole))
    return figure


def _panel(axes: Axes, points: pd.DataFrame, key: str) -> None:
    points = points.copy()
    points.loc[points[key].isna() & (points["fdr"] == 0), key] = 0.0  # Cf = 0 is the same in both readings
    points = points[points[key].notna() | points["deletion"].isna()]
    points = points.drop_duplicates(["method", key])  # Cf = 0 may stand in the studies of both readings
    places = sorted(points[key].dropna().astype(float).unique())
    methods = in_order(points["method"])
    for index, method in enumerate(methods):
        of_method = points[points["method"] == method]
        if of_method[key].isna().all():  # a reference has no deletion set: the same at every Cf
            of_method = pd.concat([of_method.assign(**{key: place}) for place in places])
        draw_line(axes, of_method, key, look_of(method, methods), nudge_of(index, len(methods), places))
    mark_places(axes, places)
