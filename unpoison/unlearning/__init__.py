"""Unlearning methods: one file each, with `unlearn(request, *, ...)`."""

from unpoison.plugins import Plugins

METHODS = Plugins(__name__, "unlearn", "unlearning method")


def needs(method: str) -> tuple[str, ...]:
    """The parts of a request that a method works on and does nothing without: its file's constant `NEEDS`.

    `forget`, the deletion set, where the file says nothing; `validation` alone for a repair by trusted rows.
    """
    return tuple(METHODS.constant(method, "NEEDS", ("forget",)))
