"""The user's networks: own code, and weights that were trained elsewhere."""

from collections.abc import Mapping
from typing import Any

from unpoison.errors import UserError
from unpoison.extras import require_library
from unpoison.files import require_intact
from unpoison.models import MODELS
from unpoison.own_network import OWN, own_network
from unpoison.study.code import code_digest
from unpoison.study.records import Training


def flattened(name: str, training: Mapping[str, Any]) -> dict[str, Any]:
    """Return a training with the keys of a mapping `model: {python: file.py:Class, ...}` among its own.

    Raises:
        UserError: for a key that is given in both places.
    """
    model = training.get("model")
    if not isinstance(model, Mapping):
        return dict(training)
    others = {key: value for key, value in training.items() if key != "model"}
    twice = [key for key in model if key in others]
    if twice:
        raise UserError(
            f"trainings.{name}: '{twice[0]}' is given both in model and outside it; allowed: once"
        )
    return {**others, **model, "model": OWN}


def check_training(training: Training) -> None:
    """Refuse missing own code, weights and libraries of a training. The code is parsed and not run.

    Raises:
        UserError: for a file that is missing or cannot be read, a name that it lacks, files that are not Python, and a
            library that is not installed.
    """
    where = f"trainings.{training.name}"
    if library := MODELS.constant(training.model, "LIBRARY", None):
        require_library(library, where)
    if training.model == OWN:
        _check_own(where, training.options[OWN])
    if training.weights is not None:
        try:
            require_intact(training.weights)
        except UserError as error:
            raise UserError(f"{where}.weights: {error}") from error


def _check_own(where: str, python: str) -> None:
    try:
        code_digest(own_network(python)[0])
    except UserError as error:
        raise UserError(
            f"{where}.{error}" if str(error).startswith("python:") else f"{where}.python: {error}"
        ) from error
