"""Probes: one file each, with `probe(request, *, ...)`, which changes a copy of a model before it is tested again."""

from unpoison.plugins import Plugins

PROBES = Plugins(__name__, "probe", "probe")
