"""Detectors: one file each, with `score(model, data, rng, *, ...)`; none is here yet."""

from unpoison.plugins import Plugins

DETECTORS = Plugins(__name__, "score", "detector")
