"""Unlearning methods: one file each, with `unlearn(request, *, ...)`."""

from unpoison.plugins import Plugins

METHODS = Plugins(__name__, "unlearn", "unlearning method")
