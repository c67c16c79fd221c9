"""Figures: one file each, with `plot(<tables>, *, ...)`."""

from unpoison.plugins import Plugins

PLOTS = Plugins(__name__, "plot", "figure")


def tables_needed(figure: str) -> tuple[str, ...]:
    """Return the tables that a figure is given, in order: its file's constant `TABLES`, or else the summary."""
    return tuple(PLOTS.constant(figure, "TABLES", ("summary",)))
