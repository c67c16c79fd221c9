"""What the attack looks like: training images before and after it."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unpoison.plots._style import PAGE_WIDTH
from unpoison.rows import Rows
from unpoison.types import StoredImages

PAIRS = 4
MOST_CLASSES = 6


def draw_samples(stored: StoredImages, rows: Rows, stamp: Callable[..., np.ndarray]) -> Figure:
    """Pairs of clean and poisoned training images, a line for each true class, enlarged without blur."""
    poisoned = rows.of("train").take(rows.of("train").is_poisoned)
    labels = [label for label in range(len(rows.class_names)) if (poisoned.label == label).any()][
        :MOST_CLASSES
    ]
    figure = Figure(figsize=(PAGE_WIDTH, 0.45 + 0.86 * len(labels)), layout="constrained")
    panels = figure.subplots(len(labels), 2 * PAIRS, squeeze=False)
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[], visible=False)
    for line, label in zip(panels, labels, strict=True):
        shown = poisoned.take(np.flatnonzero(poisoned.label == label)[:PAIRS])
        clean = stored[shown.row]
        stamped = stamp(clean.transpose(0, 3, 1, 2).copy(), shown.trigger_id).transpose(0, 2, 3, 1)
        for index in range(len(shown)):
            given = rows.class_names[shown.given_label[index]]
            _show(line[2 * index], clean[index], rows.class_names[label])
            _show(line[2 * index + 1], stamped[index], f"told: {given}")
    figure.suptitle("Training images before and after the attack", fontsize=8)
    return figure


def _show(axes: Axes, image: np.ndarray, title: str) -> None:
    axes.set_visible(True)
    axes.spines[:].set(visible=True, linewidth=0.5, color="0.6")  # a white patch on white needs an edge
    axes.imshow(image, interpolation="nearest")
    axes.set_title(title, fontsize=7, pad=2)
