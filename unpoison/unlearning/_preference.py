"""The preference loss of npo and rem, and the poisoned model's log-probabilities that it compares with."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid

from unpoison.contracts.request import Request
from unpoison.recipes import Recipe
from unpoison.unlearning._descend import forget_batches, logits_of


def preference_loss(found: Tensor, base: Tensor, inverse_temperature: float) -> Tensor:
    """Return the mean of (2 / b) log(1 + (p / p0)^b) from log-probabilities (n,) of the network and the
    poisoned one."""
    return -2 / inverse_temperature * logsigmoid(-inverse_temperature * (found - base)).mean()


def of_labels(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the log-probability of each row's label."""
    return -cross_entropy(logits, labels, reduction="none")


def with_base(request: Request, recipe: Recipe, steps: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield batches of the deletion set with the poisoned model's log-probabilities of their labels."""
    forget, poisoned = request.forget, deepcopy(request.model).eval()

    @torch.no_grad()
    def of_base(images: Tensor, labels: Tensor) -> Tensor:
        return of_labels(logits_of(poisoned, images, request.precision), labels)

    if recipe.augments:
        print("the given model's log-probabilities are computed anew for each augmented batch")
        for images, labels in forget_batches(request, recipe, steps):
            forget.count_forward(len(images))
            yield images, labels, of_base(images, labels)
        return
    known = torch.cat([of_base(images, labels) for images, labels in forget.in_order()])
    numbered = replace(request, forget=forget.numbered())
    for images, rows in forget_batches(numbered, recipe, steps):
        yield images, forget.labels[rows], known[rows]
