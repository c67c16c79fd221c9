"""Examples of the attack: training images before and after it, and the difference."""

from collections.abc import Callable, Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unpoison.drawing.style import COLUMN_WIDTH, NOTE_SIZE
from unpoison.drawing.text import drawn_name, fonts_for
from unpoison.rows import NONE, Rows
from unpoison.types import Indices, StoredImages

MOST_LINES = 4
LINE = 0.72  # inches


def draw_samples(
    stored: StoredImages, attacked: StoredImages, rows: Rows, stamp: Callable[..., np.ndarray]
) -> Figure:
    """Return a figure with a line for each trigger and true class: clean image, poisoned image, difference, labels.

    Images are enlarged without smoothing. The difference is scaled so that its largest value is nearly white.

    Args:
        stored: the clean images, (n, height, width, 3).
        attacked: the images as changed by the attacker before the stamp; for most attacks the same as `stored`.
        rows: the rows of the poisoned data set.
        stamp: returns images (n, 3, height, width) with the triggers of the given ids.
    """
    train = rows.of("train")
    poisoned = train.take(train.poisoned("a picture of poisons"))
    shown = poisoned.take(_examples(poisoned))
    clean = stored[shown.image]
    before_stamp = attacked[shown.image].transpose(0, 3, 1, 2)
    stamped = stamp(before_stamp.copy(), shown.trigger_id).transpose(0, 2, 3, 1)
    difference = np.abs(stamped.astype(int) - clean)
    gain = 255 // max(int(difference.max()), 1) if difference.any() else 1
    figure = Figure(figsize=(COLUMN_WIDTH, 0.5 + LINE * len(shown)), layout="constrained")
    panels = figure.subplots(len(shown), 4, squeeze=False)
    for line, axes in enumerate(panels):
        for place, image in enumerate((clean[line], stamped[line], difference[line] * gain)):
            _show(axes[place], image)
        _tell(axes[3], shown, line)
    titles = ("clean", "poisoned", "difference" + (f" x {gain}" if gain > 1 else ""))
    for axes, title in zip(panels[0][:3], titles, strict=True):
        axes.set_title(title, fontsize=NOTE_SIZE, pad=2)
    note = f"{len(poisoned):,} of {len(train):,} training images are poisoned"
    figure.supxlabel(note, fontsize=NOTE_SIZE, color="0.35")
    return figure


def _examples(poisoned: Rows) -> Indices:
    """Return the first row of each trigger and true class, preferring the most frequent classes of each trigger."""
    lines: list[tuple[int, int, int]] = []  # rank among its trigger's classes, trigger, position
    for trigger in np.unique(poisoned.trigger_id).tolist():
        of_trigger = np.flatnonzero(poisoned.trigger_id == trigger)
        labels, first, counts = np.unique(poisoned.label[of_trigger], return_index=True, return_counts=True)
        for place, index in enumerate(np.lexsort((labels, -counts))):
            lines.append((place, trigger, int(of_trigger[first[index]])))
    chosen = sorted(lines)[:MOST_LINES]
    return np.array([position for _, _, position in sorted(chosen, key=lambda line: line[1])], dtype=np.int64)


def _tell(axes: Axes, shown: Rows, line: int) -> None:
    axes.set_axis_off()
    words = "\n".join(_words(shown, line))
    axes.text(0.0, 0.5, words, fontsize=NOTE_SIZE, va="center", linespacing=1.4, fontfamily=fonts_for(words))


def _words(shown: Rows, line: int) -> Iterator[str]:
    trigger = shown.trigger_id[line]
    if len(np.unique(shown.trigger_id)) > 1 or trigger == NONE:
        yield "no trigger" if trigger == NONE else f"trigger {trigger}"
    yield f"true: {drawn_name(shown.class_names[shown.label[line]])}"
    yield f"given: {drawn_name(shown.class_names[shown.given_label[line]])}"


def _show(axes: Axes, image: np.ndarray) -> None:
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set(visible=True, linewidth=0.5, color="0.6")  # a white patch on white needs an edge
    axes.imshow(image, interpolation="nearest")
