"""Figures: one file each, with `plot(summary, *, ...)`."""

from unpoison.plugins import Plugins

PLOTS = Plugins(__name__, "plot", "figure")
