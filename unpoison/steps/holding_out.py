"""The models of the held-out check: repaired without some flagged rows, and asked about them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from unpoison.answers import Answers, Questions
from unpoison.asking import answer
from unpoison.costs import Cost
from unpoison.data import Data
from unpoison.networks import Classifier
from unpoison.recipes import Recipe
from unpoison.rows import NONE, Rows
from unpoison.steps.repairing import repair_model, request_of
from unpoison.steps.setting import Setting
from unpoison.types import Flagged, Indices, Labels

Method = tuple[str, Mapping[str, Any]]  # its name and options
REFERENCE: Method = ("retrain", {"last": None, "length": None})  # never sees the rows that it forgets


def answers_without(
    data: Data,
    model: Classifier,
    flagged: Flagged,
    fold_of: Labels,
    fold: int | None,
    *,
    method: Method,
    recipe: Recipe,
    setting: Setting,
) -> tuple[Answers, Cost]:
    """Return the answers of a model that was repaired without a fold, about the rows of the fold, and its cost.

    The method gets these rows neither to forget nor to retain.

    Args:
        model: the poisoned model, which was trained on all rows.
        flagged: positions among the training rows.
        fold_of: (n,) as `folds_of` gives it.
        fold: None for the reference, a network trained anew without the rows of all folds, and asked about all.
        method: its name and options; not read for the reference.
    """
    asked = np.flatnonzero(fold_of >= 0 if fold is None else fold_of == fold)
    # The reference gets the flagged rows to forget, and retraining never sees those. With none it would do nothing.
    left_out = np.setdiff1d(asked, flagged) if fold is None else asked
    name, options = REFERENCE if fold is None else method
    request = request_of(data, model, flagged, recipe, setting, left_out=left_out)
    repaired, cost = repair_model(request, name, options)
    return answer(data, repaired, asked_of(data.rows, asked), setting.precision), cost


def asked_of(rows: Rows, training: Indices) -> Questions:
    """Return the questions about training rows as the poisoned model saw them, with the trigger on triggered rows.

    Args:
        rows: the whole table.
        training: positions among the training rows.
    """
    places = np.flatnonzero(rows.split == "train")[training]
    return Questions(places, rows.trigger_id[places] != NONE)
