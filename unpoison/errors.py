"""The one exception that speaks to the user."""

import sys
from collections.abc import Iterable
from types import TracebackType


class UserError(Exception):
    """What the user can fix, in one line: what is wrong, what was found, what is allowed."""


def one_of(what: str, found: object, allowed: Iterable[str]) -> UserError:
    """The error for a name that is not in a list of names."""
    return UserError(f"unknown {what} '{found}'; choose from {', '.join(sorted(allowed)) or '(none)'}")


def show_user_errors_in_one_line() -> None:
    """From here on a `UserError` ends the program without a traceback; every other error keeps its own."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, UserError):
            print(f"error: {error}", file=sys.stderr)
        else:
            sys.__excepthook__(kind, error, trace)

    sys.excepthook = hook
