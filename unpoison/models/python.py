"""A network of the user's own code: a class, or a function that returns a module, in a file of Python."""

import sys
from typing import Any

from torch import nn

from unpoison.errors import UserError
from unpoison.own_network import own_network


def network(
    classes: int,
    image_size: int,
    *,
    python: str,
    arguments: dict[str, str | int | float | bool | list[str | int | float] | None] | None = None,
) -> nn.Module:
    """Return an untrained network as the user's code makes it.

    It takes normalised float images (n, 3, image_size, image_size) and gives logits (n, classes). `classes` and
    `image_size` are not passed on: where the code needs them, they stand in `arguments`.

    Args:
        classes: number of logits; image_size: height and width in pixels.
        python: `file.py:Class`, the file relative to the folder that the run is started in.
        arguments: what the class or the function is called with, by name.

    Raises:
        UserError: for a file or a name that is not there, code that raises, and what is no torch.nn.Module.
    """
    made = _callable_of(python)
    try:
        module = made(**(arguments or {}))
    except Exception as error:
        raise UserError(f"{python} could not be built: {type(error).__name__}: {error}") from error
    if not isinstance(module, nn.Module):
        raise UserError(f"{python} gave a {type(module).__name__}; allowed: a torch.nn.Module")
    return module


def _callable_of(python: str) -> Any:
    file, name = own_network(python)
    if str(file.root) not in sys.path:
        sys.path.append(str(file.root))  # last: a file there hides no other module
    found = getattr(file.imported(), name, None)
    if not callable(found):
        raise UserError(f"{file.path} has no class or function '{name}'")
    return found
