"""Training images as they were found, with their given labels, and the triggered images if there are any."""

import numpy as np
from matplotlib.figure import Figure

from unpoison.drawing.style import COLUMN_WIDTH, NOTE_SIZE
from unpoison.drawing.text import drawn_name, fonts_for
from unpoison.rows import TRIGGERED, Rows
from unpoison.types import StoredImages

MOST_LINES, COLUMNS = 6, 4
LINE = 0.82  # inches


def draw_found(stored: StoredImages, rows: Rows) -> Figure:
    """Return a figure with a line of images for each of the most frequent classes, and one of triggered images.

    Args:
        stored: the images of the source, (n, height, width, 3).
        rows: the rows of the data set; they need not say which rows are poisoned.
    """
    train, triggered = rows.of("train"), rows.of(TRIGGERED)
    counts = train.count_by_class()
    names = sorted((name for name in counts if counts[name]), key=lambda name: -counts[name])[:MOST_LINES]
    lines = [
        (f"given: {drawn_name(name)}", train.take(train.given_label == train.class_names.index(name)))
        for name in names
    ]
    lines += [("with the trigger", triggered)] if len(triggered) else []
    figure = Figure(figsize=(COLUMN_WIDTH, 0.4 + LINE * len(lines)), layout="constrained")
    panels = figure.subplots(len(lines), COLUMNS, squeeze=False)
    for line, (label, chosen) in zip(panels, lines, strict=True):
        shown = stored[chosen.image[np.argsort(chosen.row_id, kind="stable")[:COLUMNS]]]
        for place, axes in enumerate(line):
            axes.set_axis_off()
            if place < len(shown):
                axes.imshow(shown[place], interpolation="nearest")
        line[0].set_title(label, fontsize=NOTE_SIZE, loc="left", pad=2, fontfamily=fonts_for(label))
    note = f"{len(train):,} training images as they were found"
    figure.supxlabel(note, fontsize=NOTE_SIZE, color="0.35")
    return figure
