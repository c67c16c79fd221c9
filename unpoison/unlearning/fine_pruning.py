"""Fine-pruning: cut the features that trusted images use least, then fine-tune on those images (arXiv
1805.12185).

Liu, Dolan-Gavitt and Garg 2018 (RAID): the channels of the last convolution are pruned in the order of their
mean activation on clean validation images, until the accuracy on these images falls below a threshold that
the defender chooses. The remaining network is fine-tuned on the same images. A repair without a deletion set:
it uses the trusted rows alone.

The paper leaves the threshold open, and its authors' code (kangliucn/Fine-pruning-defense) prunes a number
set by hand and has no fine-tuning. The numbers are those of BackdoorBench (defense/fp.py): accuracy may fall
by less than a tenth of what it was before, and 100 epochs of SGD follow, with batches of 256, rate 0.01 along
a cosine, momentum 0.9 and weight decay 0.0005. A feature is an input of the classifier, the last linear layer
(in ResNet-9 a channel of the last convolution, pooled). It is pruned by zeroing its column there, as in
BackdoorBench.

This file follows the paper in two points where BackdoorBench deviates from it. The accuracy that stops the
pruning is that of the trusted rows; there it is that of test images. The rows that rank the features are not
augmented. The paper does not say whether the feature whose removal ends the pruning is cut. BackdoorBench
prunes one network in place, which cuts it (`overshoot: true`). By default it stays, so that the accuracy
falls no more than allowed.

BatchNorm: in training mode in the fine-tuning, as in BackdoorBench; its running statistics follow the trusted
rows.
Augmentation is the recipe's.
"""

import math
from copy import deepcopy
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.parametrize import is_parametrized

from unpoison.contracts.request import Request
from unpoison.devices import autocast
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.features import classifier_of, features_in, inputs_of
from unpoison.networks import Classifier
from unpoison.optimisers import SGD
from unpoison.recipes import Recipe
from unpoison.training import check_losses, take_step
from unpoison.types import PositiveFloat, PositiveInt, Share

NEEDS = ("validation",)
SPACE: dict[str, Any] = {}  # not tunable: tuning would score on the rows this method trains on
MOMENTUM, WEIGHT_DECAY = 0.9, 5e-4


def unlearn(
    request: Request,
    *,
    accuracy_drop: Share = 0.1,
    overshoot: bool = False,
    epochs: PositiveInt = 100,
    learning_rate: PositiveFloat = 0.01,
    batch_size: PositiveInt = 256,
    schedule: Literal["cosine", "recipe"] = "cosine",
) -> nn.Module:
    """Return a copy of the poisoned network, pruned and fine-tuned on the trusted rows.

    Args:
        accuracy_drop: share of its accuracy on the trusted rows that the network may lose by pruning.
        overshoot: whether the feature whose removal ends the pruning is cut too, as in BackdoorBench's code.
        epochs, learning_rate, batch_size: of the fine-tuning by SGD.
        schedule: of the rate: `cosine`, from epoch to epoch, as in BackdoorBench; or `recipe`, ours: a
            warm-up and a linear decay over all steps.

    Raises:
        UserError: for a network whose last layer is not linear, or is parametrized.
    """
    model = deepcopy(request.model).eval()
    head = classifier_of(model, request.validation)
    if is_parametrized(head):  # its weights are recomputed in each pass, which would undo the zeros
        raise UserError("fine_pruning needs a last layer of plain weights; found one with a parametrization")
    features, labels = _features(model, head, request.validation, request.precision)
    kept = kept_features(head, features, labels, accuracy_drop, overshoot=overshoot)
    recipe = replace(
        request.recipe, epochs=epochs, iterations=None, learning_rate=learning_rate, batch_size=batch_size
    )
    pruning = head.register_forward_pre_hook(lambda _, inputs: (inputs[0] * kept,))
    try:
        _fine_tune(model, request, recipe, epochs, schedule)
    finally:
        pruning.remove()
    with torch.no_grad():
        head.weight.mul_(kept)
    return model.eval()


def _fine_tune(model: Classifier, request: Request, recipe: Recipe, epochs: int, schedule: str) -> None:
    """Train the network in place on the trusted rows."""
    steps = recipe.steps(len(request.validation))
    per_epoch = steps // epochs
    optimizer = SGD(model.parameters(), momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    model.train()
    for step, (images, labels) in enumerate(request.validation.batches(recipe, request.seed, steps=steps)):
        cosine = recipe.learning_rate * (1 + math.cos(math.pi * (step // per_epoch) / epochs)) / 2
        with autocast(images.device, request.precision):
            logits = model(images)
        rate = cosine if schedule == "cosine" else recipe.rate(step, steps)
        take_step(optimizer, cross_entropy(logits.float(), labels), rate)
    check_losses(optimizer)


@torch.no_grad()
def _features(
    model: Classifier, head: nn.Linear, examples: Examples, precision: str
) -> tuple[Tensor, Tensor]:
    """Return the inputs of the classifier for each row, and the rows' labels."""
    parts = []
    for images, _ in examples.in_order():
        with inputs_of(head) as read, autocast(images.device, precision):
            model(images)
        parts.append(features_in(read, len(images)))
    return torch.cat(parts).float(), examples.labels


@torch.no_grad()
def kept_features(
    head: nn.Linear, features: Tensor, labels: Tensor, accuracy_drop: float, *, overshoot: bool = False
) -> Tensor:
    """Return 1 for each kept feature and 0 for each pruned one; the smallest means are pruned first.

    Args:
        accuracy_drop: share of the accuracy before; pruning ends when that share or more is lost.
        overshoot: whether the feature that ends the pruning is pruned.
    """
    kept = torch.ones_like(features[0])
    least = _accuracy(head, features, labels) * (1 - accuracy_drop)
    for feature in features.mean(0).argsort():
        fewer = kept.clone()
        fewer[feature] = 0
        if _accuracy(head, features * fewer, labels) <= least:
            return fewer if overshoot else kept
        kept = fewer
    return kept


def _accuracy(head: nn.Linear, features: Tensor, labels: Tensor) -> float:
    return float((head(features).argmax(1) == labels).double().mean())
