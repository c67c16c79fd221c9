"""Unlearning methods: one file each, with `unlearn(request, *, ...)`."""

from unpoison.plugins import Plugins

METHODS = Plugins(__name__, "unlearn", "unlearning method")


def needs(method: str) -> tuple[str, ...]:
    """Return the parts of a request that a method needs, and without which it does nothing: its file's
    `NEEDS`.

    The default is `forget`, the deletion set. A repair by trusted rows has `validation` alone.
    """
    return tuple(METHODS.constant(method, "NEEDS", ("forget",)))
