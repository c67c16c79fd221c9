"""SalUn: random labels that move only the weights which matter for the deletion set (arXiv 2310.12508).

Fan et al. 2024: weights = mask x moved + (1 - mask) x poisoned, mask = |gradient of CE(deletion set)| >= threshold.
The mask holds the weights whose gradient of the loss on the deletion set, at the poisoned model, is largest in
absolute value; the others are kept bit for bit: neither weight decay nor momentum reaches them.
As published, the gradients of all rows are summed before the absolute value is taken, so that rows which pull a
weight in opposite directions cancel; `saliency: per_sample` takes it row by row. The gradients are taken in
evaluation mode, as published, and of rows that are not augmented, so that neither depends on how the rows are
batched.

The defaults are those of the authors' CIFAR-10 code: in each round first the deletion set with labels drawn anew from
all classes, then the retain set; batch norm in training mode; a constant rate. The study chooses the length
(there ten passes over the retain set) and the rate (there 0.013 in the example of the README).
BatchNorm: its running statistics are no weights and are not masked. In training mode the deletion set moves
them too; in evaluation mode (`batch_norm: eval`, ours) the retain set alone does."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.gradients import gradients_of, trained_parameters
from unpoison.optimisers import SGD
from unpoison.recipes import Recipe
from unpoison.types import PositiveFloat, PositiveShare
from unpoison.unlearning._descend import at_rate, logits_of, with_schedule
from unpoison.unlearning._importance import Measure, mean_sizes
from unpoison.unlearning._relabel import relabel

SPACE = {
    "share": {"low": 0.1, "high": 0.9},
    "length": {"low": 0.05, "high": 0.5, "log": True},
    "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
}


def unlearn(
    request: Request,
    *,
    share: PositiveShare = 0.5,
    saliency: Literal["summed", "per_sample"] = "summed",
    batch_norm: Literal["train", "eval"] = "train",
    labels: Literal["once", "anew"] = "anew",
    order: Literal["mixed", "in_turn"] = "in_turn",
    schedule: Literal["constant", "recipe"] = "constant",
    length: PositiveFloat = 0.25,
    learning_rate: PositiveFloat | None = None,
) -> nn.Module:
    """Train as random_labels does, within the mask.

    Args:
        share: of the weights that may change.
        saliency: the absolute value of the summed gradient (published), or the mean of the rows' absolute values.
        batch_norm: mode of batches that hold rows of the deletion set; published: train.
        labels: anew in each round, from all classes (published); or once, never the given label.
        order: in each round the deletion set first (published); or both sets shuffled together.
        schedule: the rate in every step (published), or the recipe's warm-up and decay.
        length: share of the recipe's steps that the passes over the retain set take, in whole passes.
        learning_rate: peak rate; None is the recipe's own.
    """
    recipe = with_schedule(at_rate(request.recipe, learning_rate), schedule)
    model = deepcopy(request.model)
    if saliency == "summed":
        salience = gradients_of_loss(model, request)
    else:
        salience = mean_sizes(model.eval(), request.forget, Measure(cross_entropy, torch.abs))
    relabel(
        model,
        MaskedSGD(model, largest(salience, share), recipe),
        request,
        recipe,
        length,
        batch_norm=batch_norm,
        labels=labels,
        order=order,
    )
    return model.eval()


def gradients_of_loss(model: nn.Module, request: Request) -> list[Tensor]:
    """Return the gradient of the summed loss on the deletion set, in evaluation mode."""
    parameters = trained_parameters(model.eval())
    totals = [torch.zeros_like(parameter) for parameter in parameters]
    for images, labels in request.forget.in_order(request.recipe.batch_size, backward=True):
        loss = cross_entropy(logits_of(model, images, request.precision), labels, reduction="sum")
        for total, gradient in zip(totals, gradients_of(loss, parameters), strict=True):
            total.add_(gradient)
    return totals


def largest(gradients: list[Tensor], share: float) -> list[Tensor]:
    """Return masks of the given share of all values, those largest in absolute value (ties with the smallest
    included)."""
    sizes = torch.cat([gradient.abs().flatten() for gradient in gradients])
    count = round(share * len(sizes))
    least = sizes.sort(descending=True).values[count - 1] if count else torch.inf
    return [gradient.abs() >= least for gradient in gradients]


class MaskedSGD(SGD):
    """SGD that leaves the weights outside its masks alone."""

    def __init__(self, model: nn.Module, masks: list[Tensor], recipe: Recipe) -> None:
        # The kernel would decay every weight, so the decay is put into the gradients, where the mask stops it.
        super().__init__(model.parameters(), momentum=recipe.momentum, weight_decay=0.0)
        self._masks, self._decay = masks, recipe.weight_decay

    @torch.no_grad()
    def follow(self, gradients: Iterable[Tensor | None], rate: float) -> None:
        """Take one step against the masked gradients; a velocity outside the masks stays 0."""
        parts = zip(gradients, self._parameters, self._masks, strict=True)
        super().follow(
            [
                None if gradient is None else (gradient + self._decay * weights) * mask
                for gradient, weights, mask in parts
            ],
            rate,
        )
