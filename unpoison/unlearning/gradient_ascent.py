"""Gradient ascent: climb the loss of the given labels on the deletion set (Thudi et al. 2022, arXiv 2109.13398).

weights += rate x gradient of CE(deletion set). The retain set is not used.

Deviations: ascent is bounded, for the loss has no top and the network is lost on the way there. A batch whose mean
loss has reached the bound is passed over; ascent ends when a whole pass was passed over. And where the data set
sets validation rows aside, it ends before the pass that costs more validation accuracy than is allowed, with the
weights from before it. No weight decay, which would shrink weights that nothing holds. The paper gives no rate and no
length that fit here: the defaults were chosen once by the test's numbers on images drawn by a program.
BatchNorm is in evaluation mode throughout: the statistics of a few rows to delete are no statistics to keep.
"""

import math
from copy import deepcopy
from itertools import islice

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.optimisers import SGD
from unpoison.training import accuracy, take_step
from unpoison.types import PositiveFloat, PositiveInt, Share
from unpoison.unlearning._descend import forget_batches, logits_of, per_pass

SPACE = {
    "learning_rate": {"low": 1e-5, "high": 0.01, "log": True},
    "epochs": {"low": 1, "high": 10},
}


def unlearn(
    request: Request,
    *,
    epochs: PositiveInt = 5,
    learning_rate: PositiveFloat = 0.001,
    bound: PositiveFloat | None = None,
    allowed_drop: Share = 0.05,
) -> nn.Module:
    """Climb in passes over the deletion set, at a constant rate and without momentum.

    Args:
        epochs: passes over the deletion set, at most.
        bound: of a batch's mean loss; None is the logarithm of the number of classes: chance.
        allowed_drop: of validation accuracy; without validation rows nothing is held back by it.
    """
    model = deepcopy(request.model).eval()
    optimizer = SGD(model.parameters(), momentum=0.0, weight_decay=0.0)

    def step_up(images: Tensor, labels: Tensor) -> bool:
        logits = logits_of(model, images, request.precision)
        loss = cross_entropy(logits, labels)
        climbs = bool(loss < (math.log(logits.shape[1]) if bound is None else bound))
        if climbs or not loss.isfinite():
            take_step(optimizer, -loss, learning_rate)
        return climbs

    each = per_pass(request.forget, request.recipe)
    batches = forget_batches(request, request.recipe, epochs * each)
    least = validation_accuracy(model, request) - allowed_drop
    for epoch in range(1, epochs + 1):
        before = deepcopy(model)
        taken = sum(step_up(images, labels) for images, labels in islice(batches, each))
        held_out = validation_accuracy(model, request)
        print(f"epoch {epoch}/{epochs}  steps up {taken}  validation {held_out:.1%}", flush=True)
        if held_out < least:
            return before
        if not taken:
            break
    return model


def validation_accuracy(model: nn.Module, request: Request) -> float:
    """Accuracy on the validation rows; 1 where there are none."""
    return accuracy(model, request.validation, request.precision) if len(request.validation) else 1.0
