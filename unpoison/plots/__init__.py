"""Figures: one file each, with `plot(<tables>, *, ...)`."""

from unpoison.plugins import Plugins

PLOTS = Plugins(__name__, "plot", "figure")


def tables_needed(figure: str) -> tuple[str, ...]:
    """Return the tables that a figure is handed, in order: its file's constant `TABLES`, the summary without one."""
    return tuple(PLOTS.constant(figure, "TABLES", ("summary",)))
