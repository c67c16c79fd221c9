"""Fine-pruning: cut the features that trusted images use least, then fine-tune on those images (arXiv 1805.12185).

Liu, Dolan-Gavitt and Garg 2018 (RAID): the channels of the last convolution are pruned in the order of their mean
activation on clean validation images, until the accuracy on these falls; the rest is fine-tuned on the same images.
A repair without a deletion set: it sees the trusted rows alone.

Deviations: what is pruned is a feature that the classifier, the last linear layer, reads (in ResNet-9 a channel of the
last convolution, pooled), by zeroing its column there. The paper leaves the fall to the defender; a tenth is
BackdoorBench's. Its own measure is the test set's accuracy, ours that of the trusted rows, which the poisoned model was
not trained on. All trusted rows serve both steps. BatchNorm's running statistics follow them in the second.
"""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from unpoison.contracts.request import Request
from unpoison.devices import autocast
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.features import classifier_of, features_in, inputs_of
from unpoison.networks import Classifier
from unpoison.training import train
from unpoison.types import PositiveFloat, PositiveInt, Share

NEEDS = ("validation",)
SPACE: dict[str, Any] = {}  # the rows that a tuning would choose by are those that the repair works on


def unlearn(
    request: Request,
    *,
    accuracy_drop: Share = 0.1,
    epochs: PositiveInt = 20,
    learning_rate: PositiveFloat = 0.01,
    batch_size: PositiveInt = 64,
) -> nn.Module:
    """Prune and fine-tune a copy of the poisoned network on the trusted rows.

    Args:
        accuracy_drop: how far the accuracy on the trusted rows may fall by pruning (0.1: ten points).
        epochs, learning_rate, batch_size: of the fine-tuning by SGD; the rest is the recipe's.
    """
    model = deepcopy(request.model).eval()
    head = classifier_of(model, request.validation)
    if is_parametrized(head):  # its weights are computed anew at each pass: zeros would not last
        raise UserError("fine_pruning needs a last layer of plain weights; found one with a parametrization")
    features, labels = _features(model, head, request.validation, request.precision)
    kept = kept_features(head, features, labels, accuracy_drop)
    recipe = replace(
        request.recipe,
        epochs=epochs,
        iterations=None,
        learning_rate=learning_rate,
        batch_size=batch_size,
        filter_rate=None,  # Muon's steps are as long for a small gradient as for a large one
    )
    pruning = head.register_forward_pre_hook(lambda _, inputs: (inputs[0] * kept,))
    try:
        train(model, request.validation, recipe, request.seed, precision=request.precision)
    finally:
        pruning.remove()
    with torch.no_grad():
        head.weight.mul_(kept)
    return model.eval()


@torch.no_grad()
def _features(
    model: Classifier, head: nn.Linear, examples: Examples, precision: str
) -> tuple[Tensor, Tensor]:
    """What the classifier reads of each row, and the rows' labels."""
    parts = []
    for images, _ in examples.in_order():
        with inputs_of(head) as read, autocast(images.device, precision):
            model(images)
        parts.append(features_in(read, len(images)))
    return torch.cat(parts).float(), examples.labels


@torch.no_grad()
def kept_features(head: nn.Linear, features: Tensor, labels: Tensor, accuracy_drop: float) -> Tensor:
    """1 for each feature that is kept and 0 for each pruned one: as many as the accuracy allows, least active first."""
    kept = torch.ones_like(features[0])
    accuracy = _accuracy(head, features, labels)
    for feature in features.mean(0).argsort():
        fewer = kept.clone()
        fewer[feature] = 0
        if _accuracy(head, features * fewer, labels) < accuracy - accuracy_drop:
            break
        kept = fewer
    return kept


def _accuracy(head: nn.Linear, features: Tensor, labels: Tensor) -> float:
    return float((head(features).argmax(1) == labels).double().mean())
