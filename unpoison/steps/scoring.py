"""The scores of a data set's training rows by a detector, and their cost."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from unpoison.attacks import set_triggered_aside
from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.costs import Cost, Meter
from unpoison.data import Data
from unpoison.detectors import DETECTORS
from unpoison.errors import UserError
from unpoison.networks import Classifier
from unpoison.outputs import Pair
from unpoison.recipes import Recipe
from unpoison.rows import Rows
from unpoison.steps.setting import Setting, seeded, untrained


def score_rows(
    data: Data,
    model: Classifier,
    detector: str,
    options: Mapping[str, Any],
    setting: Setting,
    *,
    recipe: Recipe,
    triggered_examples: int = 0,
    outputs: Pair | None = None,
) -> tuple[Scores, Cost, Rows]:
    """Return a detector's scores of training and trusted rows, its cost, and the trusted rows that it scored.

    Args:
        recipe: how the model was trained.
        triggered_examples: number of trusted rows of attacked classes that it is shown with the trigger.
        outputs: of all training rows and of all validation rows by this model, in the order of the rows; None computes
            them if the detector needs them.
    """
    device, train_rows = setting.device, data.rows.of("train")
    triggered, validation = set_triggered_aside(data.rows, triggered_examples, setting.seed)
    model = model.to(device)
    evidence = Evidence(
        model=model,
        new_model=untrained(model, device),
        training=data.examples(train_rows, device),
        validation=data.examples(validation, device),
        triggered=data.examples(triggered, device),
        training_ids=train_rows.row_id,
        validation_ids=validation.row_id,
        class_names=train_rows.class_names,
        recipe=recipe,
        seed=setting.seed_of("detect"),
        precision=setting.precision,
        _stored=outputs and (outputs[0], outputs[1].take(_not_triggered(data.rows, validation))),
    )
    return *run_detector(DETECTORS[detector], evidence, options), validation


def _not_triggered(rows: Rows, validation: Rows) -> np.ndarray:
    """Return the mask of the validation rows that are not shown with the trigger."""
    return np.isin(rows.of("validation").row_id.astype(str), validation.row_id.astype(str))


def run_detector(
    score: Callable[..., Scores], evidence: Evidence, options: Mapping[str, Any]
) -> tuple[Scores, Cost]:
    """Return a detector's scores, checked and in the order of the rows, and their cost.

    The detector sees the rows in the order of their ids, so that another order of the data changes nothing.
    """
    meter, started = Meter(), time.perf_counter()
    places = [np.argsort(ids, kind="stable") for ids in (evidence.training_ids, evidence.validation_ids)]
    training, validation = (torch.from_numpy(order) for order in places)
    in_order = replace(
        evidence,
        training=evidence.training.take(training).metered(meter),
        validation=evidence.validation.take(validation).metered(meter),
        triggered=evidence.triggered.metered(meter),
        training_ids=evidence.training_ids[places[0]],
        validation_ids=evidence.validation_ids[places[1]],
    )
    if evidence._stored:
        stored = tuple(part.take(order) for part, order in zip(evidence._stored, places, strict=True))
        in_order = replace(in_order, _stored=(stored[0], stored[1]))
    with seeded(evidence.seed, evidence.training.device):
        found = score(in_order, **options)
    _check(found, in_order)
    scores = Scores(
        _put_back(found.training, places[0]),
        _put_back(found.validation, places[1]),
        None if found.flagged is None else _put_back(found.flagged, places[0]),
        {name: _put_back(values, places[0]) for name, values in found.details.items()},
    )
    return scores, Cost.metered(time.perf_counter() - started, meter)


def _put_back(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return values in the order of the rows; places: the row of each value."""
    result = np.empty_like(values)
    result[places] = values
    return result


def _check(scores: object, evidence: Evidence) -> None:
    """Refuse anything that a user's detector returns other than one finite score for each row."""
    if not isinstance(scores, Scores):
        raise UserError(f"the detector gave back a {type(scores).__name__}; allowed: Scores")
    parts = (("training", evidence.training), ("validation", evidence.validation))
    for name, rows in parts:
        found = np.asarray(getattr(scores, name))
        if found.shape != (len(rows),):
            raise UserError(
                f"the detector gave {name} scores of the shape {found.shape}; allowed: ({len(rows)},), one a row"
            )
        if not np.isfinite(found).all():
            raise UserError("a detector's score is not finite; the network it looks at may not be either")
    if scores.flagged is not None:
        mask, count = np.asarray(scores.flagged), len(evidence.training)
        if mask.dtype != bool or mask.shape != (count,):
            raise UserError(
                f"the detector flagged rows by {mask.dtype} of the shape {mask.shape}; allowed: a mask ({count},)"
            )
