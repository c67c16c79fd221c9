"""A network of the user's own code: a class, or a function that returns a module, in a Python file."""

from pathlib import Path
from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy

from unpoison.errors import UserError, first_line
from unpoison.own_network import own_network
from unpoison.plugin_files import make_importable


def network(
    classes: int,
    image_size: int,
    *,
    python: str,
    arguments: dict[str, str | int | float | bool | list[str | int | float] | None] | None = None,
) -> nn.Module:
    """Return an untrained network built by the user's code.

    It takes normalised float images (n, 3, image_size, image_size) and gives logits (n, classes). `classes`
    and `image_size` are not passed to the code; if it needs them, give them in `arguments`.

    Args:
        classes: number of logits; image_size: height and width in pixels.
        python: `file.py:Class`, the file relative to the folder that the run is started in.
        arguments: keyword arguments of the class or function.

    Raises:
        UserError: for a missing file or name, code that raises, and a result that is not a torch.nn.Module
            with weights to train, all of a given size.
    """
    made = _callable_of(python)
    try:
        module = made(**(arguments or {}))
    except Exception as error:
        raise UserError(f"{python} could not be built: {first_line(error)}") from error
    if not isinstance(module, nn.Module):
        raise UserError(f"{python} gave a {type(module).__name__}; allowed: a torch.nn.Module")
    parameters = list(module.parameters())
    if any(map(is_lazy, parameters)):
        raise UserError(
            f"{python} has layers that learn their size from the first image (Lazy...); allowed: layers of a given size"
        )
    if not any(parameter.requires_grad for parameter in parameters):
        raise UserError(f"{python} has no weights that can be trained (none requires a gradient)")
    return module


def _callable_of(python: str) -> Any:
    try:
        file, name = own_network(python)
    except UserError as error:
        raise UserError(f"python: {error}") from error
    make_importable(file.root)
    module = file.imported()
    if Path(str(module.__file__)).resolve() != file.path.resolve():
        raise UserError(
            f"{file.path}: Python finds another module of the name {file.module}, {module.__file__}; choose another"
        )
    found = getattr(module, name, None)
    if not callable(found):
        raise UserError(f"{file.path} has no class or function '{name}'")
    return found
