"""The file of a user's own network, found and read without running it."""

from pathlib import Path

from unpoison.digests import digest
from unpoison.errors import UserError
from unpoison.plugin_files import Registered
from unpoison.source_text import bound_names

OWN = "python"  # the model plug-in that runs the user's code, and its option that names the file


def own_network(python: str) -> tuple[Registered, str]:
    """Return the file of `file.py:Class` and the name in it.

    Files in the same folder belong to it. A file in a package (its folder has an `__init__.py`) is imported as a
    module of the package.

    Raises:
        UserError: for a text of another form, a file that is missing or is not Python, and a name that it lacks.
    """
    file, colon, name = python.rpartition(":")
    if not colon or not file.endswith(".py") or not name.isidentifier():
        raise UserError(f"found '{python}', allowed: file.py:Class")
    path = Path(file).parent.resolve() / Path(file).name  # for a link, helpers are in the folder of the link
    if not path.is_file():
        raise UserError(f"found '{python}', and there is no file {path}")
    names = bound_names(path)
    if name not in names and "*" not in names:
        raise UserError(f"found '{python}', and {path} has no class or function '{name}'")
    root, parts = path.parent, [path.stem]
    while (root / "__init__.py").is_file() and root.name.isidentifier():
        root, parts = root.parent, [root.name, *parts]
    if len(parts) > 1:
        return Registered(path, root, ".".join(parts), package=parts[0]), name
    return Registered(path, root, f"unpoison_network_{digest(str(path))}"), name
