"""The library's main functions: train, score, repair and measure without a file, a config or Snakemake."""

from typing import Any

import numpy as np
import pandas as pd

from unpoison.arguments import (
    AnyRecipe,
    Device,
    Flagged,
    Precision,
    Triple,
    check_data,
    check_trusted,
    copy_for,
    flagged_for,
    options_of,
    positions_of,
    preprocessing_of,
    recipe_for,
    setting_of,
    try_features_on,
)
from unpoison.asking import ask
from unpoison.contracts.deletion import NO_DELETION
from unpoison.contracts.scores import Scores
from unpoison.costs import Cost
from unpoison.data import Data
from unpoison.deletion import describe
from unpoison.detectors import DETECTORS
from unpoison.devices import computing_repeatably
from unpoison.errors import UserError
from unpoison.models import MODELS
from unpoison.networks import CIFAR10_DEVIATION, CIFAR10_MEAN, Architecture, Classifier
from unpoison.recipes import recipe_of
from unpoison.steps import measuring
from unpoison.steps.repairing import repair_model, request_of
from unpoison.steps.scoring import score_rows
from unpoison.steps.training import train_model
from unpoison.steps.trying import check_untrained
from unpoison.unlearning import METHODS, needs


def train(
    data: Data,
    model: str = "resnet9",
    *,
    recipe: AnyRecipe = "fast",
    seed: int = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    mean: Triple = CIFAR10_MEAN,
    deviation: Triple = CIFAR10_DEVIATION,
    image_size: int | None = None,
    features: str | None = None,
    **options: Any,
) -> Classifier:
    """Return a network trained on all training rows with the labels they were given.

    The same data, arguments, device and number of threads give the same weights, bit for bit: those of the workflow's
    base model of that seed.

    Args:
        model: a name of MODELS; options: its own.
        recipe: a name of RECIPES, a Recipe, or the keys of one.
        device: auto is a GPU where one is visible. precision: auto is bfloat16 where the hardware is faster in it.
        mean, deviation: of the three channels, on a scale where white is 1 (those of CIFAR-10).
        image_size: pixels to which images are resized for the network; None leaves them as they are.
        features: name of the layer whose input detectors look at; None is the last linear layer.

    Returns:
        a model that takes uint8 images (n, 3, height, width) and gives logits (n, classes).

    Raises:
        UserError: for an unknown name, an option that is unknown or out of range, images that the network does not
            take, and a loss that is not finite.
    """
    check_data(data)
    checked, setting = options_of(MODELS, model, options), setting_of(seed, device, precision)
    how, preprocessing = recipe_of(recipe), preprocessing_of(mean, deviation, image_size)
    architecture = Architecture(model, checked, data.class_names, data.image_size, preprocessing, features)
    with computing_repeatably():
        try_features_on(check_untrained(architecture, data), data)
        return train_model(data, architecture, how, setting)[0]


def score(
    model: Classifier,
    data: Data,
    detector: str,
    *,
    recipe: AnyRecipe | None = None,
    seed: int = 0,
    triggered_examples: int = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    **options: Any,
) -> Scores:
    """Return a detector's scores of the training rows.

    Args:
        model: trained on all training rows; it is not changed.
        detector: a name of DETECTORS; options: its own.
        recipe: how the model was trained; None is the recipe stored in the model, else `fast` with SGD alone.
        triggered_examples: the number of trusted rows shown with the planted trigger, for detectors that need them.

    Returns:
        values: (n,) one score for each training row, higher is more suspicious; flagged: (n,) a mask of the rows that
        the detector's own rule flags, None if it has no rule.

    Raises:
        UserError: for an unknown detector or option, a model that does not fit the data, and for missing trusted rows
            that the detector needs.
    """
    check_data(data)
    checked, setting = options_of(DETECTORS, detector, options), setting_of(seed, device, precision)
    wanted = DETECTORS.constant(detector, "NEEDS")
    check_trusted(data, f"the detector {detector}", wanted)
    _check_triggered(detector, triggered_examples, "triggered_examples" in wanted)
    with computing_repeatably():
        copied = copy_for(model, data, setting.device)
        return score_rows(
            data,
            copied,
            detector,
            checked,
            setting,
            recipe=recipe_for(copied, recipe),
            triggered_examples=triggered_examples,
        )[0]


def repair(
    model: Classifier,
    data: Data,
    flagged: Flagged | None,
    method: str = "retrain",
    *,
    recipe: AnyRecipe | None = None,
    seed: int = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    **options: Any,
) -> tuple[Classifier, Cost]:
    """Return a copy of the model that has unlearned the flagged rows, and the cost.

    Args:
        model: trained on all training rows; it is not changed.
        flagged: positions among the training rows, or a mask (n,) over them; [] for a repair by trusted rows.
        method: a name of METHODS; options: its own.
        recipe: how the model was trained; None is the recipe stored in the model, else `fast` with SGD alone.

    Returns:
        the repaired model in evaluation mode, and its cost: seconds, images sent through a network forward and
        backward, and forward alone, and the share of the weights that it changed (0: it did nothing).

    Raises:
        UserError: for an unknown method or option, a model that does not fit the data, flagged rows that do not exist
            or are none or all, and for a method whose trusted rows or untrained network are missing.
    """
    check_data(data)
    checked, setting = options_of(METHODS, method, options), setting_of(seed, device, precision)
    wanted = needs(method)
    check_trusted(data, f"the method {method}", wanted)
    rows = flagged_for(method, flagged, data)
    with computing_repeatably():
        copied = copy_for(model, data, setting.device)
        request = request_of(data, copied, rows, recipe_for(copied, recipe), setting)
        return repair_model(request, method, checked)


def measure(
    model: Classifier,
    data: Data,
    flagged: Flagged | None = None,
    cost: Cost | None = None,
    *,
    device: Device = "auto",
    precision: Precision = "auto",
) -> pd.DataFrame:
    """Return all metrics of a model that the knowledge about the data allows.

    For data as found that is `given_label_agreement`, and with test images `clean_accuracy`. For a planted attack it
    is every metric.

    Args:
        model: it is not changed.
        flagged: the rows that the repair was to forget, as for `repair`; None: none.
        cost: of the repair, with the share of the weights that it changed.

    Returns:
        a row for each metric and class: metric, class_name (missing: all classes together), value, unit. METRICS
        describes each metric.

    Raises:
        UserError: for a model that does not fit the data, and flagged rows that do not exist.
    """
    check_data(data)
    rows = positions_of([] if flagged is None else flagged, data)
    if cost is not None and not isinstance(cost, Cost):
        raise UserError(f"cost: found {type(cost).__name__}, allowed: the cost that repair gives")
    deletion = describe(data.rows.of("train"), rows) if len(rows) else NO_DELETION
    with computing_repeatably():
        copied = copy_for(model, data, setting_of(0, device, precision).device)
        answers = ask(data, copied, precision)
    table = measuring.metrics_table(measuring.measure(data.rows, answers, deletion, cost), deletion)
    columns = {name: table[name] for name in ("metric", "class_name", "value", "unit")}
    return pd.DataFrame(columns).astype({"class_name": "string"})


def _check_triggered(detector: str, count: int, is_needed: bool) -> None:
    if not isinstance(count, int | np.integer) or isinstance(count, bool) or count < 0:
        raise UserError(f"triggered_examples: found {count!r}, allowed: an integer from 0 on")
    if is_needed and not count:
        raise UserError(
            f"the detector {detector} needs images that carry the trigger; found triggered_examples: 0"
        )
    if count and not is_needed:
        raise UserError(f"triggered_examples: found {count}; the detector {detector} looks at none")
