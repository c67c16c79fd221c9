"""The file of a user's own network, found without running it."""

from hashlib import blake2b
from pathlib import Path

from unpoison.errors import UserError
from unpoison.plugin_files import Registered


def own_network(python: str) -> tuple[Registered, str]:
    """The file of `file.py:Class` and the name in it; files beside it are its own, too.

    Raises:
        UserError: for a text that is no such place, and a file that is not there.
    """
    file, colon, name = python.rpartition(":")
    if not colon or not file.endswith(".py") or not name.isidentifier():
        raise UserError(f"python: found '{python}', allowed: file.py:Class")
    path = Path(file).resolve()
    if not path.is_file():
        raise UserError(f"python: found '{python}', and there is no file {path}")
    digest = blake2b(str(path).encode(), digest_size=8).hexdigest()
    return Registered(path, path.parent, f"unpoison_network_{digest}"), name
