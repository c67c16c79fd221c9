"""The library's door: what a notebook needs to find, repair and measure, without a file, a config or Snakemake."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import signature
from typing import Any, Literal

import numpy as np
import pandas as pd
from torch import nn

from unpoison.attacks import lay_over, perturbed, plant
from unpoison.contracts.scores import Scores
from unpoison.costs import Cost
from unpoison.data import Data
from unpoison.deletion import NO_DELETION, Deletion, describe
from unpoison.detectors import DETECTORS
from unpoison.devices import computing_repeatably, pick_device
from unpoison.errors import UserError, one_of
from unpoison.metrics import METRICS
from unpoison.models import MODELS
from unpoison.networks import CIFAR10_DEVIATION, CIFAR10_MEAN, Architecture, Classifier, Preprocessing
from unpoison.pixels import StampTime
from unpoison.plugins import REQUIRED, Plugins
from unpoison.poisons import POISONS, trigger_of
from unpoison.recipes import RECIPES, Recipe
from unpoison.steps.measuring import measure_model
from unpoison.steps.repairing import repair_model, request_of
from unpoison.steps.scoring import score_rows
from unpoison.steps.setting import Setting
from unpoison.steps.training import train_model
from unpoison.types import Indices, Mask
from unpoison.unlearning import METHODS, needs

Device = Literal["auto", "cpu", "cuda"]
Flagged = Sequence[int] | Indices | Mask
Triple = tuple[float, float, float]


def train(
    data: Data,
    model: str = "resnet9",
    *,
    recipe: str | Recipe | Mapping[str, Any] = "fast",
    seed: int = 0,
    device: Device = "auto",
    precision: str = "auto",
    mean: Triple = CIFAR10_MEAN,
    deviation: Triple = CIFAR10_DEVIATION,
    image_size: int | None = None,
    features: str | None = None,
    **options: Any,
) -> Classifier:
    """A network trained on all training rows with the labels they were given; its weights depend on the seed alone.

    Args:
        model: a name of MODELS; options: its own.
        recipe: a name of RECIPES, a Recipe, or the keys of one.
        mean, deviation: of the channels, on a scale where white is 1 (those of CIFAR-10).
        image_size: pixels to which images are resized for the network; None leaves them as they are.
        features: name of the layer whose input detectors look at; None is the last linear layer.

    Raises:
        UserError: for an unknown name, an option that is not there or out of range, a loss that is not finite.
    """
    _check_options(MODELS, model, options)
    preprocessing = Preprocessing(tuple(mean), tuple(deviation), image_size)
    architecture = Architecture(model, options, data.class_names, data.image_size, preprocessing, features)
    setting = Setting(seed, pick_device(device), precision)
    with computing_repeatably():
        return train_model(data, architecture, _recipe_of(recipe), setting)[0]


def wrap_model(
    module: nn.Module,
    class_names: Sequence[str],
    *,
    mean: Triple = CIFAR10_MEAN,
    deviation: Triple = CIFAR10_DEVIATION,
    image_size: int | None = None,
    features: str | None = None,
    new: Callable[[], nn.Module] | None = None,
    recipe: str | Recipe | Mapping[str, Any] | None = None,
) -> Classifier:
    """A user's own trained network, for `score`, `repair` and `measure`.

    Args:
        module: takes normalised float images (n, 3, height, width), gives logits (n, classes). It is not copied.
        class_names: of the logits' columns.
        mean, deviation: what images are normalised by, on a scale where white is 1.
        image_size: pixels to which images are resized for the network; None leaves them as they are.
        features: name of the layer whose input detectors look at; None is the last linear layer.
        new: gives an untrained network of the same kind, for methods that train from scratch. It is called with the
            random generator of torch seeded, and must load no weights.
        recipe: how the network was trained, where that is known: what methods go on training by (else `fast`, or
            what `repair` is told).

    Raises:
        UserError: for what is no network, and preprocessing that is none.
    """
    if not isinstance(module, nn.Module):
        raise UserError(f"wrap_model takes a torch.nn.Module; found {type(module).__name__}")
    names = tuple(class_names)
    make = partial(Classifier, class_names=names, features=features)
    make = partial(make, preprocessing=Preprocessing(tuple(mean), tuple(deviation), image_size))
    untrained = None if new is None else _Fresh(new, make)
    model = make(module, new=untrained)
    model.recipe = None if recipe is None else _recipe_of(recipe)
    return model.eval()


def poison(
    data: Data,
    attack: str,
    *,
    seed: int = 0,
    stamp: StampTime = "after_augmentation",
    surrogate: Classifier | None = None,
    **options: Any,
) -> Data:
    """The data set with an attack planted in its training rows, whose given labels are taken to be the true ones.

    Args:
        attack: a name of POISONS; options: its own.
        stamp: whether the trigger is put on before or after augmentation.
        surrogate: the attacker's own network, for attacks that change images by more than a stamp.

    Raises:
        UserError: for an unknown attack, and whatever the attack refuses.
    """
    _check_options(POISONS, attack, options)
    rows = plant(POISONS[attack], data.rows, seed, data.image_size, options)
    images = data.images
    if "surrogate" in POISONS.constant(attack, "NEEDS", ()):
        if surrogate is None:
            raise UserError(
                f"the attack {attack} changes images against a network of the attacker's: give surrogate"
            )
        taken = {name: value for name, value in options.items() if name in POISONS.options(attack, "perturb")}
        train_rows = rows.of("train")
        device = next(surrogate.parameters()).device
        change = partial(POISONS.module(attack).perturb, **taken)
        with computing_repeatably():
            made = perturbed(
                change, surrogate, images, train_rows.take(train_rows.poisoned("an attack")), device
            )
        images = lay_over(np.array(images), rows, made)
    return Data.of_rows(images, rows, trigger_of(attack, options), stamp)


def score(
    model: Classifier,
    data: Data,
    detector: str,
    *,
    recipe: str | Recipe | Mapping[str, Any] | None = None,
    seed: int = 0,
    triggered_examples: int = 0,
    device: Device = "auto",
    precision: str = "auto",
    **options: Any,
) -> Scores:
    """What a detector makes of the training rows.

    Args:
        model: trained on all training rows.
        detector: a name of DETECTORS; options: its own.
        recipe: how the model was trained; None is what the model says of itself, or `fast`.
        triggered_examples: of detectors that need them, how many trusted rows are shown with a planted trigger on.

    Returns:
        values: (n,) one score for each training row, higher is more suspicious; flagged: (n,) a mask of the rows that
        the detector's own rule accuses, None where it has no rule.

    Raises:
        UserError: for an unknown detector or option, and where trusted rows are needed and there are none.
    """
    _check_options(DETECTORS, detector, options)
    wanted = DETECTORS.constant(detector, "NEEDS")
    _check_trusted(data, f"the detector {detector}", wanted)
    if "triggered_examples" in wanted and not triggered_examples:
        raise UserError(
            f"the detector {detector} needs images that carry the trigger; found triggered_examples: 0"
        )
    how = _recipe_of(model.recipe if recipe is None else recipe)
    setting = Setting(seed, pick_device(device), precision)
    with computing_repeatably():
        return score_rows(
            data, model, detector, options, setting, recipe=how, triggered_examples=triggered_examples
        )[0]


def repair(
    model: Classifier,
    data: Data,
    flagged: Flagged,
    method: str = "salun",
    *,
    recipe: str | Recipe | Mapping[str, Any] | None = None,
    seed: int = 0,
    device: Device = "auto",
    precision: str = "auto",
    **options: Any,
) -> tuple[Classifier, Cost]:
    """A copy of the model that was told to forget the flagged rows, and what that cost.

    Args:
        model: trained on all training rows; it stays as it is.
        flagged: positions among the training rows, or a mask over them.
        method: a name of METHODS; options: its own. A repair by trusted rows heeds no flagged row: give none, [].
        recipe: how the model was trained; None is what the model says of itself, or `fast`.

    Raises:
        UserError: for an unknown method or option, rows that are not there, and where trusted rows are needed and there
            are none.
    """
    _check_options(METHODS, method, options)
    wanted = needs(method)
    _check_trusted(data, f"the method {method}", wanted)
    rows = _positions(flagged, data)
    if "forget" in wanted and not len(rows):
        raise UserError("flagged holds no row; with nothing to forget every method does nothing")
    how = _recipe_of(model.recipe if recipe is None else recipe)
    setting = Setting(seed, pick_device(device), precision)
    with computing_repeatably():
        return repair_model(request_of(data, model, rows, how, setting), method, options)


def measure(
    model: Classifier,
    data: Data,
    flagged: Flagged | None = None,
    cost: Cost | None = None,
    *,
    device: Device = "auto",
    precision: str = "auto",
) -> pd.DataFrame:
    """All that can be measured of a model with what is known of the data.

    Args:
        flagged: the rows that it was to forget, as for `repair`; None: none.
        cost: of the repair.

    Returns:
        metric, class_name (missing: all classes together), value, unit; what each metric is says METRICS.
    """
    rows = np.array([], dtype=np.int64) if flagged is None else _positions(flagged, data)
    deletion: Deletion = describe(data.rows.of("train"), rows) if len(rows) else NO_DELETION
    with computing_repeatably():
        found = measure_model(data, model.to(pick_device(device)), deletion, cost, precision)
    columns = {name: [getattr(entry, name) for entry in found] for name in ("metric", "class_name", "value")}
    units = [METRICS[entry.metric].unit for entry in found]
    return pd.DataFrame({**columns, "unit": units}).astype({"class_name": "string"})


class _Fresh:
    """A user's function for an untrained network, called with torch seeded."""

    def __init__(self, new: Callable[[], nn.Module], make: Callable[..., Classifier]) -> None:
        self._new, self._make = new, make

    def __call__(self, seed: int) -> Classifier:
        import torch  # noqa: PLC0415

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self._make(self._new(), new=self)


def _recipe_of(recipe: str | Recipe | Mapping[str, Any] | None) -> Recipe:
    if recipe is None:
        return RECIPES["fast"]
    if isinstance(recipe, Recipe):
        return recipe
    if isinstance(recipe, str):
        if recipe not in RECIPES:
            raise one_of("recipe", recipe, RECIPES)
        return RECIPES[recipe]
    allowed = list(signature(Recipe).parameters)
    for key in recipe:
        if key not in allowed:
            raise one_of("key of a recipe", key, allowed)
    try:
        return Recipe(**recipe)
    except TypeError as error:
        raise UserError(f"recipe: {str(error).removeprefix('Recipe.__init__() ')}") from error


def _check_options(registry: Plugins, name: str, options: Mapping[str, Any]) -> None:
    """Refuse a plug-in that is not there, options that it does not take, and required ones that are missing."""
    known = registry.options(name)
    for key in options:
        if key not in known:
            raise one_of(f"option of {registry.what} '{name}':", key, known)
    for key, option in known.items():
        if option.default is REQUIRED and key not in options:
            raise UserError(f"{registry.what} '{name}' needs the option '{key}'")


def _check_trusted(data: Data, who: str, wanted: Sequence[str]) -> None:
    if "validation" in wanted and not (data.rows.split == "validation").any():
        raise UserError(
            f"{who} works on trusted images, and the data has none; give Data(..., trusted=(images, labels))"
        )


def _positions(flagged: Flagged | None, data: Data) -> Indices:
    """Positions among the training rows, in order."""
    if flagged is None:
        raise UserError(
            "flagged: found None, which is what a detector without a rule of its own gives; choose rows by its values, "
            "such as numpy.argsort(scores.values)[-100:]"
        )
    rows, count = np.asarray(flagged), len(data)
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
    return np.unique(rows).astype(np.int64)
