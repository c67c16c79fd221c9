"""What a detector is given, and how it is run and its cost taken."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from unpoison.errors import UserError
from unpoison.examples import Cost, Examples, Meter
from unpoison.poisons._poisoning import check_triggered
from unpoison.recipes import Recipe
from unpoison.rows import NONE, TEST_SPLITS, Rows
from unpoison.scores import Scores
from unpoison.seeds import draw


@dataclass(frozen=True)
class Evidence:
    """All that a detector may know; nothing in it says which rows are poisoned, or how many are.

    model: the network trained on all training rows, to be left untouched; new_model: an untrained one of the
    same kind and device from a seed; training: the training rows; validation: clean rows that were set aside
    before the attack, a trusted sample (none where the study sets none aside); triggered: trusted images with
    the trigger stamped on, labelled as the attacker wants them taken (none unless the detector declares
    them); training_ids, validation_ids: the rows' names, by which everything random is drawn; class_names:
    what labels index; recipe, precision: how the network was trained; seed: of everything random.
    """

    model: nn.Module
    new_model: Callable[[int], nn.Module]
    training: Examples
    validation: Examples
    triggered: Examples
    training_ids: np.ndarray
    validation_ids: np.ndarray
    class_names: tuple[str, ...]
    recipe: Recipe
    seed: int
    precision: str = "auto"


def run(score: Callable[..., Scores], evidence: Evidence, options: Mapping[str, Any]) -> tuple[Scores, Cost]:
    """A detector's scores, checked, in the order of the rows, and their cost.

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
    found = score(in_order, **options)
    _check(found, in_order)
    scores = Scores(
        _put_back(found.training, places[0]),
        _put_back(found.validation, places[1]),
        None if found.flagged is None else _put_back(found.flagged, places[0]),
    )
    return scores, Cost(time.perf_counter() - started, meter.image_passes, meter.forward_passes)


def set_triggered_aside(rows: Rows, count: int, seed: int) -> tuple[Rows, Rows]:
    """So many validation rows, told the trigger of their class's attack and what it wants them taken for; the others.

    Of several attacks on a class the first one is shown: who knows an example seldom knows one of each.

    Raises:
        UserError: where the attack has no trigger, or too few validation rows are of the classes it attacks.
    """
    validation = rows.of("validation")
    is_attacked = np.isin(rows.split, TEST_SPLITS) & (rows.trigger_id != NONE) & (rows.target != rows.label)
    attacked = rows.take(is_attacked)
    told_of = list(zip(attacked.label, attacked.trigger_id, attacked.target, strict=True))
    attacks = {label: told for label, *told in reversed(told_of)}
    there = np.flatnonzero(np.isin(validation.label, attacked.label))
    check_triggered(count, len(there))
    chosen = there[draw(validation.row_id[there], count, "triggered", seed)]
    triggered = validation.take(chosen)
    told = np.array([attacks[label] for label in triggered.label], dtype=np.int64).reshape(-1, 2)
    others = np.isin(np.arange(len(validation)), chosen, invert=True)
    return replace(triggered, trigger_id=told[:, 0], given_label=told[:, 1]), validation.take(others)


def _put_back(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """What was computed in another order, in the order of the rows."""
    result = np.empty_like(values)
    result[places] = values
    return result


def _check(scores: Scores, evidence: Evidence) -> None:
    for found, rows in ((scores.training, evidence.training), (scores.validation, evidence.validation)):
        assert found.shape == (len(rows),), f"{len(rows)} rows and scores of the shape {found.shape}"
        if not np.isfinite(found).all():
            raise UserError("a detector's score is not finite; the network it looks at may not be either")
