"""Paths that a command is given, as a config holds them."""

import os

from unpoison.errors import UserError


def absolute(name: str, path: str) -> str:
    """Return a path, or a glob, from the root on; `~` is the home folder.

    Args:
        name: of the option, for the error.

    Raises:
        UserError: for an empty path, and one that no config can hold: text that cannot be printed, or is not UTF-8.
    """
    if not path or not path.isprintable():
        raise UserError(
            f"{name}: found the path {path!r}, allowed: printable text in UTF-8; rename what it names"
        )
    return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 (a glob is no path)
