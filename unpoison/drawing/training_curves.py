"""Training curves of a study's models before any repair: loss and accuracy over image passes."""

import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from unpoison.drawing.style import COLUMN_WIDTH, NOTE_SIZE, PerCent

MOST_NAMED = 8  # variants; if there are more, all are drawn in grey, without names
LINES = ("-", "--", "-.", ":")
LONG = 22  # letters of a name; with a longer one the legend has one column


def draw_training(histories: pd.DataFrame, what: str = "poisoned models") -> Figure:
    """Return a figure with a line for each variant of a study, the mean over its seeds, and a thin one for each seed.

    Args:
        histories: training histories (a row for each epoch) with the columns `variant`, a name, and `seed`.
        what: name of the models in the note below.
    """
    histories = histories.sort_values(["variant", "seed", "epoch"])
    histories["passes"] = histories.groupby(["variant", "seed"])["images"].cumsum()
    held_out = histories["validation_accuracy"].notna().any()
    curves = {"loss": "training loss (nats)", "train_accuracy": "training accuracy,\ngiven labels"}
    curves |= {"validation_accuracy": "accuracy on clean\nvalidation rows"} if held_out else {}
    names = len(_named(histories)) // _columns(histories)
    figure = Figure(figsize=(COLUMN_WIDTH, 0.8 + 1.25 * len(curves) + 0.15 * names), layout="constrained")
    panels = figure.subplots(len(curves), 1, squeeze=False, sharex=True)[:, 0]
    for axes, (column, label) in zip(panels, curves.items(), strict=True):
        _draw_variants(axes, histories, column)
        axes.set_ylabel(label)
        if column != "loss":
            axes.yaxis.set_major_formatter(PerCent())
    panels[0].set_ylim(bottom=0)
    panels[-1].set_xlabel("images sent forward and backward")
    panels[-1].xaxis.set_major_formatter(EngFormatter(sep=" "))
    _tell(figure, panels[0], histories, what)
    return figure


def _draw_variants(axes: Axes, histories: pd.DataFrame, column: str) -> None:
    variants, named = histories["variant"].unique(), _named(histories)
    for index, name in enumerate(variants):
        of_variant = histories[histories["variant"] == name]
        colour = colormaps["cividis"](0.85 * index / max(1, len(variants) - 1)) if named else "0.6"
        for _, of_seed in of_variant.groupby("seed"):
            axes.plot(of_seed["passes"], of_seed[column], color=colour, linewidth=0.5, alpha=0.5)
        mean = of_variant.groupby("epoch")[["passes", column]].mean()
        dot = "o" if len(mean) == 1 else None  # a single epoch gives no line
        line = LINES[index % len(LINES)]
        axes.plot(mean["passes"], mean[column], color=colour, label=name, marker=dot, linestyle=line)


def _tell(figure: Figure, axes: Axes, histories: pd.DataFrame, what: str) -> None:
    variants, seeds = histories["variant"].nunique(), histories["seed"].nunique()
    if len(_named(histories)) > 1:
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=_columns(histories), handlelength=3)
    what = f"{what}, {variants} variants" if variants > MOST_NAMED else what
    over = f"mean of {seeds} seeds; thin lines: each seed" if seeds > 1 else "one seed"
    figure.supxlabel(f"{what}: {over}", fontsize=NOTE_SIZE, color="0.35")


def _named(histories: pd.DataFrame) -> list[str]:
    """Return the variants that are named: all, or none if there are too many."""
    variants = histories["variant"].unique().tolist()
    return variants if len(variants) <= MOST_NAMED else []


def _columns(histories: pd.DataFrame) -> int:
    return 1 if histories["variant"].str.len().max() > LONG else 2
