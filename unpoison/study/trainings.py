"""What a training's network is made from: a plug-in, the user's own code, weights that were trained elsewhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unpoison.errors import UserError
from unpoison.files import require_intact
from unpoison.own_network import OWN, own_network
from unpoison.study.code import code_digest


def flattened(name: str, training: Mapping[str, Any]) -> dict[str, Any]:
    """Return a training whose `model` may be a mapping, `{python: file.py:Class, ...}`, its keys beside the others.

    Raises:
        UserError: for a key that stands in both.
    """
    model = training.get("model")
    if not isinstance(model, Mapping):
        return dict(training)
    others = {key: value for key, value in training.items() if key != "model"}
    twice = [key for key in model if key in others]
    if twice:
        raise UserError(f"trainings.{name}: '{twice[0]}' stands in model and beside it; allowed: once")
    return {**others, **model, "model": OWN}


def check_own(where: str, python: str) -> None:
    """Read the file of a user's own network, and the files beside it that it imports; none of them is run.

    Raises:
        UserError: for a file or a name that is not there, and for files that are no Python.
    """
    try:
        code_digest(own_network(python)[0])
    except UserError as error:
        raise UserError(
            f"{where}.{error}" if str(error).startswith("python:") else f"{where}.python: {error}"
        ) from error


def weights_file(where: str, data_folder: str, weights: str | None) -> Path | None:
    """Return the file of the weights that a training gives; None where it gives none.

    Raises:
        UserError: for a file that is not there or cannot be read.
    """
    if weights is None:
        return None
    try:
        return require_intact(Path(data_folder) / weights)
    except UserError as error:
        raise UserError(f"{where}.weights: {error}") from error
