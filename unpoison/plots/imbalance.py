"""Unlearning over class imbalance: accuracy in points gained over doing nothing, for all classes and for each class.
The class is rarer on the left: a larger gain there is a larger gain for a rarer class.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unpoison.drawing.axes import metric_labels
from unpoison.drawing.gains import LABEL, draw_gains, gains, gains_note, show_points
from unpoison.drawing.looks import in_order, look_of
from unpoison.drawing.style import legend_above, note_below, width_of
from unpoison.drawing.text import drawn_name, fonts_for
from unpoison.errors import one_of

# The studies must vary one key of each tuple; names in braces are options.
NEEDS = [("{ratio}",), ("{share}",)]
TABLES = ("paired",)
MOST_CLASSES = 4  # other classes that are shown along with the reduced class
STEP = 0.12  # distance of methods at one ratio; ratios are 1 apart


def plot(
    paired: pd.DataFrame,
    *,
    ratio: str = "dataset.keep.cat",
    share: str = "poison.share.cat",
    class_name: str = "cat",
) -> Figure:
    """Return a figure of clean and adversarial accuracy over the class ratio, in points gained over doing nothing.

    The upper panels show all classes together, then the reduced class, then the others. For an attack without a
    trigger, the accuracy is that on the confused classes or on the mislabelled rows. Each split of the poisons has a
    column.

    Args:
        paired: rows of a study that varies both keys.
        ratio: the varied key on the x axis; share: the varied key of the columns.
        class_name: the reduced class, shown before the others; with more than five classes it is shown alone.

    Raises:
        UserError: for a class that the study does not have.
    """
    classes = paired["class_name"].dropna().unique()
    if class_name not in classes:
        raise one_of("class_name of the figure imbalance:", class_name, classes)
    others = sorted(set(classes) - {class_name})
    points = gains(paired)
    shares = sorted(points[share].dropna().unique())
    lines = _lines(points, [class_name, *(others if len(others) <= MOST_CLASSES else ())])
    figure = Figure(figsize=(width_of(len(shares)), 0.7 + 1.3 * len(lines)), layout="constrained")
    panels = figure.subplots(len(lines), len(shares), squeeze=False, sharey="row", sharex=True)
    for row, (metric, of_class, label) in zip(panels, lines, strict=True):
        chosen = points["class_name"].isna() if of_class is None else points["class_name"] == of_class
        shown = points[chosen & (points["metric"] == metric)]
        for axes, value in zip(row, shares, strict=True):
            _panel(axes, shown[shown[share] == value], ratio, in_order(points["method"]))
        row[0].set_ylabel(label, fontfamily=fonts_for(label))
    named = f"{drawn_name(class_name)}s"
    for column, value in enumerate(shares):
        panels[0][column].set_title(f"{value:.0%} of the poisons are {named}", fontfamily=fonts_for(named))
        panels[-1][column].set_xlabel(f"{named} kept ({ratio})", fontfamily=fonts_for(named))
    figure.supylabel(LABEL, fontsize=8)
    legend_above(figure, panels.flat)
    note_below(figure, gains_note(points))
    return figure


def _lines(points: pd.DataFrame, classes: list[str]) -> list[tuple[str, str | None, str]]:
    """Return metric, class and label of each line of panels."""
    labels = metric_labels(points)
    whole: list[tuple[str, str | None, str]] = [(metric, None, label) for metric, label in labels.items()]
    robust, _, label = whole[-1]
    return whole + [(robust, name, f"{label}, {drawn_name(name)}s") for name in classes]


def _panel(axes: Axes, points: pd.DataFrame, ratio: str, methods: list[str]) -> None:
    """Draw a dot for each method and ratio, without lines, as two ratios do not show a trend."""
    places = sorted(points[ratio].dropna().astype(float).unique())
    show_points(axes)
    for index, method in enumerate(methods):
        rows = points[points["method"] == method].sort_values(ratio)
        x = rows[ratio].astype(float).map(places.index) + STEP * (index - (len(methods) - 1) / 2)
        draw_gains(axes, x, rows, look_of(method, methods), is_joined=False)
    axes.set_xticks(range(len(places)), [f"{100 * place:g} %" for place in places])
    axes.set_xlim(-0.6, len(places) - 0.4)
