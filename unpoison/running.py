"""A method or a detector run on what it is given, and its cost taken."""

import time
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.request import Request
from unpoison.contracts.scores import Scores
from unpoison.costs import Cost, Meter
from unpoison.errors import UserError
from unpoison.models import require_finite


def run_method(
    unlearn: Callable[..., nn.Module],
    request: Request,
    options: Mapping[str, Any],
    *,
    needs: Collection[str] = ("forget",),
) -> tuple[nn.Module, Cost]:
    """The unlearned network and its cost; with nothing to forget every method does nothing, by definition.

    Raises:
        UserError: where the method ends on weights that are not finite.

    Args:
        needs: the parts of the request without which it does nothing; of a repair the validation rows.
    """
    meter = Meter()
    parts = {name: getattr(request, name).metered(meter) for name in ("retain", "forget", "validation")}
    metered = replace(request, **parts)
    started = time.perf_counter()
    there = all(len(getattr(request, part)) for part in needs)
    model = unlearn(metered, **options) if there else deepcopy(request.model)
    require_finite(model)
    if next(model.parameters()).is_cuda:
        torch.cuda.synchronize()
    return model.eval(), Cost(time.perf_counter() - started, meter.image_passes, meter.forward_passes)


def run_detector(score: Callable[..., Scores], evidence: Evidence, options: Mapping[str, Any]) -> tuple[Scores, Cost]:
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
