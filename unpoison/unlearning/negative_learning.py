"""Retraining that also learns what the flagged rows are not: exact unlearning with negative learning.

A new network is trained on the retain set with the recipe of the poisoned model, and on the deletion set with the
loss of negative learning, -log(1 - p), where p is the probability of the given label (Kim et al. 2019, "NLNL", arXiv
1908.07387). A row of the deletion set thus teaches the network that its trigger does not mean the given
class. Poisons that the detector missed are trained on, but are few against those that it found. A clean row
that is flagged by mistake loses its label and has little other effect.

The combination is this project's own and has no paper. Like exact unlearning, it trains a new network from
scratch.
"""

from dataclasses import replace

from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax

from unpoison.contracts.request import Request
from unpoison.devices import autocast
from unpoison.training import check_losses, optimiser_of, take_step
from unpoison.types import PositiveFloat

SPACE = {"weight": {"low": 0.1, "high": 10.0, "log": True}}


def unlearn(request: Request, *, weight: PositiveFloat = 1.0, length: PositiveFloat = 1.0) -> nn.Module:
    """Train a new network on both sets, the deletion set by negative learning.

    Args:
        weight: of a row of the deletion set, relative to a retained row.
        length: share of the recipe's steps.
    """
    model, recipe = request.new_model(request.seed).train(), request.recipe
    optimizer = optimiser_of(model, recipe, request.precision)
    classes = len(model.class_names)
    rows = request.retain + replace(request.forget, labels=request.forget.labels + classes)
    steps = recipe.steps(len(rows), length)
    for step, (images, labels) in enumerate(rows.batches(recipe, request.seed, steps=steps)):
        with autocast(images.device, request.precision):
            logits = model(images)
        loss = mixed_loss(logits.float(), labels, weight, recipe.label_smoothing)
        take_step(optimizer, loss, recipe.rate(step, steps))
    check_losses(optimizer)
    return model.eval()


def mixed_loss(logits: Tensor, labels: Tensor, weight: float, label_smoothing: float) -> Tensor:
    """Return the mean over a batch of cross-entropy, and of negative learning for labels from `classes` on.

    Args:
        logits: (n, classes); labels: (n,), that of a flagged row with the number of classes added.
    """
    classes = logits.shape[1]
    is_flagged = labels >= classes
    told = labels.remainder(classes)
    kept = cross_entropy(logits, told, label_smoothing=label_smoothing, reduction="none")
    # log(1 - p) is the log of the sum over the other classes
    others = log_softmax(logits, dim=1).scatter(1, told[:, None], float("-inf")).logsumexp(1)
    return kept.where(~is_flagged, -weight * others).mean()
