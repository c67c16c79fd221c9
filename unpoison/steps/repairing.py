"""The repair of a model with an unlearning method, and its cost."""

import time
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from unpoison.contracts.deletion import NO_DELETION
from unpoison.contracts.request import Request
from unpoison.costs import Cost, Meter
from unpoison.data import Data
from unpoison.errors import UserError
from unpoison.networks import Classifier, require_finite
from unpoison.recipes import Recipe
from unpoison.steps.setting import Setting, seeded, untrained
from unpoison.types import Indices, LeftOut
from unpoison.unlearning import METHODS, needs


def request_of(
    data: Data,
    model: Classifier,
    flagged: Indices,
    recipe: Recipe,
    setting: Setting,
    *,
    left_out: LeftOut = NO_DELETION.rows,
) -> Request:
    """Return a request: the model, and the training rows split by the deletion set (all retained if it is empty).

    Args:
        flagged: positions among the training rows.
        left_out: positions of rows that are neither retained nor forgotten, flagged or not.
    """
    device, train_rows = setting.device, data.rows.of("train")
    places = np.arange(len(train_rows))
    is_asked = np.isin(places, left_out, invert=True)
    forget = np.isin(places, flagged) & is_asked
    model = model.to(device)
    return Request(
        model=model,
        new_model=untrained(model, device),
        retain=data.examples(train_rows.take(~forget & is_asked), device),
        forget=data.examples(train_rows.take(forget), device),
        validation=data.examples(data.rows.of("validation"), device),
        recipe=recipe,
        seed=setting.seed_of("unlearn"),
        precision=setting.precision,
    )


def repair_model(request: Request, method: str, options: Mapping[str, Any]) -> tuple[Classifier, Cost]:
    """Return a network repaired by a method, with the cost and how much it changed."""
    model, cost = run_method(METHODS[method], request, options, needs=needs(method))
    model.recipe = request.recipe
    return model, cost


def run_method(
    unlearn: Callable[..., nn.Module],
    request: Request,
    options: Mapping[str, Any],
    *,
    needs: Collection[str] = ("forget",),
) -> tuple[Classifier, Cost]:
    """Return the unlearned network, its cost and how much it changed.

    With nothing to forget every method does nothing, by definition.

    Raises:
        UserError: if the method returns weights that are not finite, or something other than a network.

    Args:
        needs: parts of the request that must have rows, or nothing is done; for a repair by trusted rows: validation.
    """
    meter = Meter()
    parts = {name: getattr(request, name).metered(meter) for name in ("retain", "forget", "validation")}
    metered = replace(request, **parts)
    started = time.perf_counter()
    there = all(len(getattr(request, part)) for part in needs)
    with seeded(request.seed, request.retain.device):
        model = unlearn(metered, **options) if there else deepcopy(request.model)
    if not isinstance(model, Classifier):
        raise UserError(
            f"the method gave back a {type(model).__name__}; allowed: the request's model or new_model, changed"
        )
    require_finite(model)
    if next(model.parameters()).is_cuda:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    changed = share_changed(request.model, model)
    return model.eval(), Cost.metered(seconds, meter, changed)


def share_changed(before: nn.Module, after: nn.Module) -> float:
    """Return the share of a network's weights and running statistics that differ from those of another (0 to 1).

    Tensors that the other lacks, or has in another shape, count as changed.
    """
    known, found = before.state_dict(), after.state_dict()
    numbers = {name: values for name, values in found.items() if values.is_floating_point()}
    differing = sum(
        int((values != known[name]).sum())
        if name in known and known[name].shape == values.shape
        else values.numel()
        for name, values in numbers.items()
    )
    return differing / sum(values.numel() for values in numbers.values())


def in_words(cost: Cost) -> str:
    """Return what a repair changed, in a sentence for the log."""
    assert cost.weights_changed is not None, "a repair says how much it changed"
    if cost.weights_changed == 0:
        return "did nothing: it changed no weight and no running statistic"
    return f"changed {cost.weights_changed:.3%} of the weights and running statistics"
