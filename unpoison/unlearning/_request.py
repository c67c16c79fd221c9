"""What an unlearning method is given, and how it is run and its cost taken."""

import time
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from unpoison.examples import Cost, Examples, Meter
from unpoison.models import require_finite
from unpoison.recipes import Recipe


@dataclass(frozen=True)
class Request:
    """All that a method may know; nothing in it says which rows are poisoned.

    model: the poisoned network, to be left untouched; new_model: an untrained one of the same kind and
    device from a seed; retain, forget: the training rows without and within the deletion set; validation:
    clean rows set aside before the attack, a trusted sample (none where the study sets none aside); recipe,
    precision: how the poisoned network was trained; seed: of everything random in the method.
    """

    model: nn.Module
    new_model: Callable[[int], nn.Module]
    retain: Examples
    forget: Examples
    validation: Examples
    recipe: Recipe
    seed: int
    precision: str = "auto"


def run(
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
