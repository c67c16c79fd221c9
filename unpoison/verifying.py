"""The library's held-out check: an estimate of the attack success after a repair, without ground truth."""

from typing import Any

import numpy as np

from unpoison.arguments import (
    AnyRecipe,
    Device,
    Flagged,
    Precision,
    check_data,
    check_trusted,
    copy_for,
    flagged_for,
    options_of,
    recipe_for,
    setting_of,
)
from unpoison.asking import answer
from unpoison.contracts.verification import Verification
from unpoison.data import Data
from unpoison.devices import computing_repeatably
from unpoison.errors import UserError
from unpoison.held_out import check_folds, folds_of
from unpoison.networks import Classifier
from unpoison.readings import readings_of
from unpoison.steps.holding_out import answers_without, asked_of
from unpoison.unlearning import METHODS, needs
from unpoison.verification import verification_of


def verify(
    model: Classifier,
    data: Data,
    flagged: Flagged,
    method: str = "retrain",
    *,
    folds: int = 5,
    recipe: AnyRecipe | None = None,
    seed: int = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    **options: Any,
) -> Verification:
    """Return an estimate of the attack success rate after `repair` with the same arguments.

    No true class and no trigger is needed. The method repairs the model once for each fold, without the flagged rows of
    the fold, and the repaired model is evaluated on them. One more network is trained from scratch without any flagged
    row.
    See `unpoison.verification` for the estimate.

    Args:
        model: trained on all training rows; it is not changed.
        flagged: positions among the training rows, or a mask (n,) over them.
        method: a name of METHODS that takes flagged rows; options: its own.
        folds: parts of the flagged rows, 2 to 20; the cost is that many repairs and one training.
        recipe: how the model was trained; None is the recipe stored in the model, else `fast` with SGD alone.

    Raises:
        UserError: as `repair`, and for fewer flagged rows than folds, a method that takes no flagged rows, and a model
            without a function that returns an untrained one.
    """
    check_data(data)
    checked, setting = options_of(METHODS, method, options), setting_of(seed, device, precision)
    check_takes_rows(method)
    check_trusted(data, f"the method {method}", needs(method))
    rows = flagged_for(method, flagged, data)
    check_folds(folds, len(rows))
    fold_of = folds_of(data.rows.of("train"), rows, folds, seed)
    with computing_repeatably():
        copied = copy_for(model, data, setting.device)
        how = recipe_for(copied, recipe)
        base = answer(data, copied, asked_of(data.rows, np.arange(len(data))), setting.precision)
        reference, *held_out = (
            answers_without(
                data, copied, rows, fold_of, fold, method=(method, checked), recipe=how, setting=setting
            )[0]
            for fold in (None, *range(folds))
        )
    return verification_of(readings_of(data.rows, rows, held_out, reference, base), data.class_names)


def check_takes_rows(method: str) -> None:
    """Refuse a method that repairs by trusted images alone: there is no flagged row to hold out."""
    if "forget" not in needs(method):
        raise UserError(
            f"the held-out check leaves flagged rows out of the repair, and the method {method} takes none; allowed: a "
            "method that forgets rows"
        )
