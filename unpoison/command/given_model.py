"""The model of a command, and the recipe to train one if none is given."""

import json
import math
from collections.abc import Mapping
from typing import Any

from unpoison.command.paths import absolute
from unpoison.errors import UserError
from unpoison.files import require_intact
from unpoison.models import MODELS
from unpoison.options import check_given
from unpoison.own_network import OWN, own_network

WITH_BATCH_NORMS = ("resnet9", "preact_resnet18", "wide_resnet")
STEPS = {"any": 1500, "batch norms": 750}  # least number of training steps: a small set is seen more often
EPOCHS = (8, 40)  # least and largest number
BATCH = 64  # rows
DEFAULT = "resnet9"  # without a model
WIDTH = 16  # of it: a tenth of the compute of the published one, for machines without a GPU
FEWEST_STEPS = 10  # least number of steps in an epoch: batches of a tiny set are smaller


def training_of(
    model: str | None,
    *,
    arguments: str | None,
    weights: str | None,
    mean: str | None,
    deviation: str | None,
    features: str | None = None,
) -> dict[str, Any]:
    """Return an entry of trainings without its recipe: the user's network or a shipped one, by default `resnet9`.

    Args:
        model, arguments, weights, mean, deviation: the texts from the command line. features: the name of a layer.

    Raises:
        UserError: for a file or class that is missing, text that is not JSON, and numbers that are out of range.
    """
    levels: dict[str, Any] = {
        name: _triple(name, text)
        for name, text in (("mean", mean), ("deviation", deviation))
        if text is not None
    }
    if weights is not None:
        levels["weights"] = str(require_intact(absolute("weights", weights)))
    if features is not None:
        levels["features"] = features
    if model is None:
        for name, text in (("arguments", arguments), ("weights", weights)):
            if text is not None:
                raise UserError(f"{name}: found {text} without a model; give FILE.py:CLASS as the model too")
        return {"model": DEFAULT, "width": WIDTH, **levels}
    shipped = sorted(set(MODELS) - {OWN})
    if model in shipped:
        return {"model": model, **_arguments(arguments, model), **levels}
    if ":" not in model:
        raise UserError(
            f"model: found '{model}', allowed: file.py:Class, or a shipped network: {', '.join(shipped)}"
        )
    file, _, name = model.rpartition(":")
    python = f"{absolute('model', file)}:{name}" if file else model
    try:
        own_network(python)
    except UserError as error:
        raise UserError(f"model: {error}") from error
    return {"model": {"python": python, **_arguments(arguments, OWN), **levels}}


def recipe_for(rows: int, model: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe to train a model on a number of rows.

    Args:
        model: of a training. Adam trains networks of any kind, Muon only those with batch norms.
    """
    is_any = model not in WITH_BATCH_NORMS
    batch = max(8, min(BATCH, rows // FEWEST_STEPS))
    steps = STEPS["any" if is_any else "batch norms"]
    epochs = min(max(EPOCHS[0], math.ceil(steps * batch / max(rows, 1))), EPOCHS[1])
    # Not mirrored, since that would change digits and signs.
    shared = {"epochs": epochs, "batch_size": batch, "warmup": 0.2, "decay_span": 1.0, "flip": False}
    if is_any:
        return {**shared, "learning_rate": 0.02, "adam_rate": 0.1}
    return {**shared, "learning_rate": 0.1, "label_smoothing": 0.1, "filter_rate": 0.6}


def _arguments(text: str | None, model: str) -> dict[str, Any]:
    """Return the options of a network: those of a shipped one, or `arguments` of the user's class."""
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"arguments: found {text!r}, which is no JSON ({error}), allowed: such as '{{\"width\": 16}}'"
        ) from error
    if not isinstance(found, dict):
        raise UserError(f"arguments: found {text!r}, allowed: names with values, such as '{{\"width\": 16}}'")
    given = {"arguments": found} if model == OWN else found
    check_given(given, MODELS.options(model), "model")
    return given


def _triple(name: str, text: str) -> list[float]:
    """Return the three numbers of a text with commas.

    Raises:
        UserError: for anything but three numbers from 0 to 1 (a deviation above 0), with advice for a scale of 255.
    """
    least = 0.0 if name == "mean" else math.ulp(0.0)
    above = "from 0 to 1" if name == "mean" else "above 0, to 1"
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) == 3 and all(least <= value <= 1 for value in values):
        return values
    is_of_255 = len(values) == 3 and all(0 <= value <= 255 for value in values)
    advice = "; divide those of a scale of 255 by 255" if is_of_255 and max(values) > 1 else ""
    raise UserError(
        f"{name}: found '{text}', allowed: three numbers with commas, {above}, white being 1{advice}"
    )
