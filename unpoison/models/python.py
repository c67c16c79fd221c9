"""A network of the user's own code: a class, or a function that returns a module, in a file of Python."""

import sys
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from torch import nn

from unpoison.errors import UserError

Arguments = dict[str, Any]


def network(
    classes: int,
    image_size: int,
    *,
    python: str,
    arguments: dict[str, str | int | float | bool | None | list[str | int | float]] | None = None,
) -> nn.Module:
    """An untrained network as the user's code makes it; it takes normalised float images and gives a logit per class.

    Args:
        python: `file.py:Class`, the file relative to the folder that the run is started in.
        arguments: what the class or function is called with, by name; nothing is added, and so the number of classes
            and the image size stand here too where the code needs them.

    Raises:
        UserError: for a file or name that is not there, code that raises, and what is no torch.nn.Module.
    """
    file, name = split_place(python)
    made = _attribute(Path(file).absolute(), name)
    try:
        module = made(**(arguments or {}))
    except Exception as error:
        raise UserError(f"{python} could not be built: {type(error).__name__}: {error}") from error
    if not isinstance(module, nn.Module):
        raise UserError(f"{python} gave a {type(module).__name__}; allowed: a torch.nn.Module")
    return module


def split_place(python: str) -> tuple[str, str]:
    """The file and the name in it.

    Raises:
        UserError: for a text that is no `file.py:name`.
    """
    file, colon, name = python.rpartition(":")
    if not colon or not file.endswith(".py") or not name.isidentifier():
        raise UserError(f"python: found '{python}', allowed: file.py:Class")
    return file, name


@cache
def _attribute(file: Path, name: str) -> Any:
    if not file.is_file():
        raise UserError(f"python: there is no file {file}")
    spec = spec_from_file_location(f"unpoison_network_{file.stem}", file)
    assert spec and spec.loader, f"{file} ends in .py"
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # for dataclasses and the like
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))  # files beside it
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"{file} could not be run: {type(error).__name__}: {error}") from error
    if not callable(found := getattr(module, name, None)):
        raise UserError(f"{file} has no class or function '{name}'")
    return found
