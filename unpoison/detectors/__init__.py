"""Detectors: one file each, with `score(evidence, *, ...)`, `NEEDS` and `OWN_RULE`."""

from unpoison.plugins import Plugins

DETECTORS = Plugins(__name__, "score", "detector")
