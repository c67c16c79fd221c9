"""The arguments of the library's functions, checked before anything is computed."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Int64
from torch import nn

from unpoison.arrays import as_array
from unpoison.contracts.scores import Scores
from unpoison.data import Data
from unpoison.devices import pick_device
from unpoison.errors import UserError, first_line
from unpoison.features import try_features
from unpoison.networks import Classifier, Preprocessing
from unpoison.options import check_one_of, check_options
from unpoison.plain_values import plain
from unpoison.plugins import Plugins
from unpoison.recipes import RECIPES, Recipe, recipe_of
from unpoison.steps.setting import Setting
from unpoison.steps.trying import first_image, try_on
from unpoison.types import Indices, Mask
from unpoison.unlearning import needs

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "bfloat16", "float32"]
Flagged = Sequence[int] | Indices | Mask  # positions among the training rows, or a mask (n,) over them
AnyRecipe = str | Recipe | Mapping[str, Any]
Triple = Sequence[float]


def options_of(registry: Plugins, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given options as plain values, checked as those of a config are.

    Raises:
        UserError: for an unknown plug-in or option, a value of the wrong type or out of range, and a missing option.
    """
    if not isinstance(name, str):
        raise UserError(
            f"{registry.what}: found {type(name).__name__}, allowed: a name, of {', '.join(registry)}"
        )
    known, options = registry.options(name), {key: plain(value) for key, value in given.items()}
    if any(option.annotation == "Parts" for option in known.values()):
        return options  # dicts here, names in a config: checked one by one
    check_options(options, known, name)
    check_one_of(options, registry.constant(name, "ONE_OF", ()), name)
    return options


def setting_of(seed: int, device: str, precision: str) -> Setting:
    """Return the settings of a step.

    Raises:
        UserError: for a seed that is not an integer, an unknown device or precision, and a GPU that is missing.
    """
    check_seed(seed)
    check_word("device", device, ("auto", "cpu", "cuda"))
    check_word("precision", precision, ("auto", "bfloat16", "float32"))
    return Setting(int(seed), pick_device(device), precision)


def check_seed(seed: object) -> None:
    """Refuse a seed that is not an integer."""
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool):
        raise UserError(f"seed: found {seed!r}, allowed: an integer")


def check_word(what: str, found: object, allowed: Sequence[str]) -> None:
    """Refuse a word that is not in a list of words."""
    if not isinstance(found, str) or found not in allowed:
        raise UserError(f"{what}: found {found!r}, allowed: {', '.join(allowed)}")


def recipe_for(model: Classifier, recipe: AnyRecipe | None) -> Recipe:
    """Return the given recipe, else the one that the model was trained with, else `fast` with SGD alone.

    `fast` trains filters with Muon. Muon changes their norm, so it needs a batch norm after each filter.
    """
    if recipe is None:
        return model.recipe or replace(RECIPES["fast"], filter_rate=None)
    return recipe_of(recipe)


def preprocessing_of(mean: Triple, deviation: Triple, image_size: int | None) -> Preprocessing:
    """Return the preprocessing of a network.

    Raises:
        UserError: for a mean or deviation that is not three numbers, and an invalid size.
    """
    return Preprocessing(_triple("mean", mean), _triple("deviation", deviation), plain(image_size))


def _triple(name: str, values: Any) -> tuple[float, float, float]:
    try:
        first, second, third = plain(values.tolist() if hasattr(values, "tolist") else tuple(values))
    except (TypeError, ValueError) as error:
        raise UserError(f"{name}: found {values!r}, allowed: three numbers") from error
    return first, second, third


def check_data(data: object) -> None:
    """Refuse anything but a data set."""
    if not isinstance(data, Data):
        raise UserError(
            f"data: found {type(data).__name__}, allowed: unpoison.Data(images, labels), or data from load_data"
        )


def check_trusted(data: Data, who: str, wanted: Sequence[str]) -> None:
    """Refuse a data set without trusted images if they are needed."""
    if "validation" in wanted and not (data.rows.split == "validation").any():
        raise UserError(
            f"{who} works on trusted images, and the data has none; give Data(..., trusted=(images, labels))"
        )


def copy_for(model: Classifier, data: Data, device: torch.device | None = None) -> Classifier:
    """Return a copy of the model on the device (None: its own), in evaluation mode, tried on one image.

    Raises:
        UserError: for anything but a model of these classes, weights that are not finite, and a network that does
            not give one finite logit for each class for an image of the data.
    """
    if not isinstance(model, Classifier):
        hint = ": wrap it by wrap_model" if isinstance(model, nn.Module) else ""
        raise UserError(
            f"model: found {type(model).__name__}, allowed: a model from train, load_model or wrap_model{hint}"
        )
    check_data(data)
    if model.class_names != data.class_names:
        raise UserError(
            f"the model's classes are {', '.join(model.class_names)}, and those of the data "
            f"{', '.join(data.class_names)}; allowed: the same names in the same order"
        )
    for name, tensor in model.state_dict().items():
        if not torch.isfinite(tensor).all():
            raise UserError(f"the model's weights {name} hold values that are not finite (NaN or infinite)")
    try:
        copied = deepcopy(model).eval()
        copied = copied if device is None else copied.to(device)
    except (RuntimeError, TypeError) as error:
        raise UserError(f"the model cannot be copied ({first_line(error)})") from error
    try_on(copied, data)
    try_features_on(copied, data)
    return copied


def try_features_on(model: Classifier, data: Data) -> None:
    """Refuse a network whose named feature layer gives no features for the first image of the data."""
    try_features(model, first_image(data, next(model.parameters()).device))


def positions_of(flagged: Flagged | None, data: Data) -> Int64[np.ndarray, " flagged"]:
    """Return the flagged rows as positions (flagged,) among the training rows, ascending, each once.

    Raises:
        UserError: for anything but positions or a mask, and for positions outside the training rows.
    """
    if flagged is None:
        raise UserError(
            "flagged: found None, the result of a detector without a rule of its own; choose rows by its values, "
            "such as numpy.argsort(scores.values)[-100:]"
        )
    if isinstance(flagged, Scores):
        raise UserError("flagged: found Scores, allowed: its .flagged, or rows chosen by its .values")
    rows, count = as_array("flagged", flagged), len(data)
    if rows.dtype == bool:
        if rows.shape != (count,):
            raise UserError(
                f"flagged: found a mask of the shape {rows.shape}, allowed: ({count},), the training rows"
            )
        return np.flatnonzero(rows)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise UserError(
            f"flagged: found {rows.dtype} of the shape {rows.shape}, allowed: positions or a mask"
        )
    if rows.size and (rows.min() < 0 or rows.max() >= count):
        raise UserError(
            f"flagged: found {rows.min()} to {rows.max()}, allowed: 0 to {count - 1}, the training rows"
        )
    if 2 < rows.size == count and rows.max() <= 1:
        raise UserError(f"flagged: found {count} numbers that are all 0 or 1; a mask must be of booleans")
    return np.unique(rows).astype(np.int64)


def flagged_for(method: str, flagged: Flagged | None, data: Data) -> Int64[np.ndarray, " flagged"]:
    """Return the rows to forget, as positions; none for a repair by trusted rows.

    Raises:
        UserError: as `positions_of`; for no row or all rows; and for rows given to a method that does not take them.
    """
    takes_rows = "forget" in needs(method)
    rows = positions_of([] if flagged is None and not takes_rows else flagged, data)
    if takes_rows and not len(rows):
        raise UserError("flagged holds no row; with nothing to forget every method does nothing")
    if len(rows) and not takes_rows:
        raise UserError(
            f"flagged: found {len(rows)} rows; the method {method} repairs by trusted images alone, give []"
        )
    if len(rows) == len(data):
        raise UserError(f"flagged holds all {len(data)} training rows, and none would be left to retain")
    return rows
