"""Gradient ascent: climb the loss of the given labels on the deletion set (Thudi et al. 2022, arXiv 2109.13398).

weights += rate x gradient of CE(deletion set). The retain set is not used.

The paper gives one step and no training details. The defaults are those of the baseline in SalUn's CIFAR code (arXiv
2310.12508): passes in training mode, with the recipe's momentum and weight decay, at a constant rate, no bound.
The study chooses the rate and the number of passes, which that code leaves to a search.
Two limits are ours, since the loss has no maximum and the network is destroyed on the way up. With a `bound`
a batch whose mean loss has reached it is skipped; the ascent ends when all batches of a pass are skipped.
With an `allowed_drop`, on a data set with validation rows, the ascent ends before the pass that costs more
validation accuracy than is allowed, with the weights from before that pass.
BatchNorm: in training mode the deletion set alone moves the running statistics. In evaluation mode
(`batch_norm: eval`, ours) they stay the poisoned model's."""

import math
from copy import deepcopy
from itertools import islice
from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.training import accuracy, check_losses, take_step
from unpoison.types import PositiveFloat, PositiveInt, Share
from unpoison.unlearning._descend import forget_batches, limit_of, logits_of, per_pass, sgd

SPACE = {
    "learning_rate": {"low": 1e-5, "high": 0.01, "log": True},
    "epochs": {"low": 1, "high": 10},
}


def unlearn(
    request: Request,
    *,
    epochs: PositiveInt = 5,
    learning_rate: PositiveFloat = 0.001,
    bound: PositiveFloat | Literal["chance"] | None = None,
    allowed_drop: Share | None = None,
    batch_norm: Literal["train", "eval"] = "train",
) -> nn.Module:
    """Climb in passes over the deletion set, at a constant rate.

    Args:
        epochs: passes over the deletion set, at most.
        bound: of a batch's mean loss; None is no bound (published); chance is the logarithm of the number of classes.
        allowed_drop: of validation accuracy; None is any (published); without validation rows it has no
            effect.
        batch_norm: mode of the passes; published: train.
    """
    model = deepcopy(request.model)
    optimizer = sgd(model, request.recipe)

    def step_up(images: Tensor, labels: Tensor) -> bool:
        logits = logits_of(model.train(batch_norm == "train"), images, request.precision)
        loss = cross_entropy(logits, labels)
        climbs = bound is None or bool(loss < limit_of(bound, logits.shape[1]))
        if climbs or not loss.isfinite():
            take_step(optimizer, -loss, learning_rate)
        return climbs

    each = per_pass(request.forget, request.recipe)
    batches = forget_batches(request, request.recipe, epochs * each)
    least = -math.inf
    if allowed_drop is not None and len(request.validation):
        least = validation_accuracy(model, request) - allowed_drop
    is_held = least > -math.inf
    for epoch in range(1, epochs + 1):
        before = deepcopy(model) if is_held else model
        taken = sum(step_up(images, labels) for images, labels in islice(batches, each))
        check_losses(optimizer)
        print(f"epoch {epoch}/{epochs}  steps up {taken}", flush=True)
        if is_held and validation_accuracy(model, request) < least:
            print(
                f"epoch {epoch} is taken back: it costs more validation accuracy than is allowed", flush=True
            )
            return before.eval()
        if not taken:
            break
    return model.eval()


def validation_accuracy(model: nn.Module, request: Request) -> float:
    """Return the accuracy on the validation rows."""
    return accuracy(model.eval(), request.validation, request.precision)
