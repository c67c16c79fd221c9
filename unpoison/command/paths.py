"""Paths on the command line, in the form of a config."""

import os

from unpoison.errors import UserError


def absolute(name: str, path: str) -> str:
    """Return the absolute form of a path or a glob; `~` is the home folder.

    Args:
        name: of the option, for the error.

    Raises:
        UserError: for an empty path, and one that a config cannot contain: text that is not printable, or not UTF-8.
    """
    if not path or not path.isprintable():
        raise UserError(
            f"{name}: found the path {path!r}, allowed: printable text in UTF-8; rename the file or folder"
        )
    return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 (a glob is not a path)
