"""Libraries that an extra of the package installs, and the error where one is missing."""

from importlib.util import find_spec

from unpoison.errors import UserError

EXTRAS = {"datasets": "hf", "fiftyone": "fiftyone", "timm": "timm"}  # library: the extra of pyproject.toml


def missing_library(library: str) -> UserError:
    """Return the error for a library that is not installed: it names the extra, where one installs it."""
    remedy = f": pip install 'unpoison[{EXTRAS[library]}]'" if library in EXTRAS else ""
    return UserError(f"the library {library} is not installed{remedy}")


def require_library(library: str, where: str) -> None:
    """Raise a UserError where a library is not installed. The library is not imported.

    Args:
        where: the entry of the config that needs it.
    """
    if find_spec(library) is None:
        raise UserError(f"{where}: {missing_library(library)}")
