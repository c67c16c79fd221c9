"""The exception for errors that the user can fix, and how it is shown."""

import os
import sys
from collections.abc import Iterable
from difflib import SequenceMatcher
from types import TracebackType

from unpoison.text import printable

MOST = 900  # characters of a line
ALIKE = 0.7  # least similarity of a suggested name, from 0 to 1


class UserError(Exception):
    """An error that the user can fix, told in one line: what is wrong, what was found, what is allowed."""

    def __str__(self) -> str:
        """Return one line of printable characters; the middle of a long line is left out."""
        line = printable(super().__str__())
        return line if len(line) <= MOST else f"{line[: MOST // 2]} ... {line[-MOST // 3 :]}"


def one_of(what: str, found: object, allowed: Iterable[str]) -> UserError:
    """Return the error for a name that is not in a list of names, with a suggestion if one of them is similar."""
    names = sorted(allowed)
    nearest = _nearest(str(found), names)
    advice = f"; did you mean '{nearest}'?" if nearest else ""
    return UserError(f"unknown {what} '{found}'; choose from {', '.join(names) or '(none)'}{advice}")


def _nearest(found: str, names: Iterable[str]) -> str | None:
    """Return the name that begins most like the text, which may be a shortened name; None if no name is similar."""
    text = found.casefold()
    rated = [(SequenceMatcher(None, text, name[: len(text) + 1].casefold()).ratio(), name) for name in names]
    ratio, nearest = max(rated, default=(0.0, None))
    return nearest if ratio >= ALIKE else None


def first_line(error: BaseException) -> str:
    """Return the type of an error and the first line of its message."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def show_user_errors_in_one_line(last_resort: int = 2) -> None:
    """Install a hook that shows a `UserError` without a traceback; every other error keeps its traceback.

    Args:
        last_resort: a file descriptor for the line when standard error goes to a full disk.
    """

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, UserError):
            sys.__excepthook__(kind, error, trace)
            return
        try:
            print(f"error: {error}", file=sys.stderr, flush=True)
        except OSError:
            os.write(last_resort, f"error: {error}\n".encode())

    sys.excepthook = hook
