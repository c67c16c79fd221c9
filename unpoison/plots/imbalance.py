"""Unlearning over class imbalance: accuracy over the ratio of the classes, a column for each split of the poisons."""

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
from unpoison.drawing.text import drawn_name, fonts_for
from unpoison.errors import one_of

# What the studies must vary: one key of each tuple; names in braces are options.
NEEDS = [("{ratio}",), ("{share}",)]


def plot(
    summary: pd.DataFrame,
    *,
    ratio: str = "dataset.keep.cat",
    share: str = "poison.share.cat",
    class_name: str = "cat",
) -> Figure:
    """Clean and adversarial accuracy over the ratio, of all classes and of the one that is made small.

    Of an attack without a trigger the accuracy on the confused classes, or on the mislabelled rows, stands in.

    Args:
        summary: rows of a study that varies both keys.
        ratio: the varied key on the x axis; share: the one with a column for each of its values.
        class_name: the class whose own accuracy under attack has the last line of panels.

    Raises:
        UserError: for a class that the study does not have.
    """
    if class_name not in set(summary["class_name"]):
        raise one_of(
            "class_name of the figure imbalance:", class_name, summary["class_name"].dropna().unique()
        )
    named = f"{drawn_name(class_name)}s"
    family = fonts_for(named)
    shares = sorted(summary[share].dropna().unique())
    labels = metric_labels(summary)
    lines: list[tuple[str, str | None, str]] = [(metric, None, label) for metric, label in labels.items()]
    lines.append((lines[-1][0], class_name, f"{lines[-1][2]}, {named}"))
    figure = Figure(figsize=(width_of(len(shares)), 5.4), layout="constrained")
    panels = figure.subplots(len(lines), len(shares), squeeze=False, sharey="row", sharex=True)
    for row, (metric, of_class, label) in enumerate(lines):
        chosen = summary["class_name"].isna() if of_class is None else summary["class_name"] == of_class
        points = summary[chosen & (summary["metric"] == metric)]
        for column, value in enumerate(shares):
            _panel(panels[row][column], points[points[share] == value], ratio)
        panels[row][0].set_ylabel(label, fontfamily=family)
    for column, value in enumerate(shares):
        panels[0][column].set_title(f"{value:.0%} of the poisons are {named}", fontfamily=family)
        panels[-1][column].set_xlabel(f"{named} kept ({ratio})", fontfamily=family)
    finish(figure, panels.flat, interval_note(summary))
    return figure


def _panel(axes: Axes, points: pd.DataFrame, ratio: str) -> None:
    places = sorted(points[ratio].dropna().astype(float).unique())
    methods = in_order(points["method"])
    for index, method in enumerate(methods):
        nudge = nudge_of(index, len(methods), places)
        draw_line(axes, points[points["method"] == method], ratio, look_of(method, methods), nudge)
    mark_places(axes, places)
