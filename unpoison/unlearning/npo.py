"""NPO: make the given labels of the deletion set less likely than the poisoned model does (arXiv 2404.05868).

Zhang et al. 2024, negative preference optimisation: minimise the mean over the deletion set of
(2 / b) log(1 + (p(y | x) / p0(y | x))^b), p0 being the poisoned model, plus CE(retain) (their NPO + RT). Its slope
fades as the label becomes unlikely: it tends to gradient ascent for b to 0, and to a hinge that lets go of
every row less likely than before for b to infinity.

Deviations: written for language models; here a label takes the place of an answer of many tokens, and so b is 1 and
not the paper's 0.1, by which a label would have to fall to e^-30 before it is let go. The length is that of finetune.
The poisoned model's log-probabilities are computed once where nothing is augmented, else for each augmented batch.
BatchNorm: batches of the deletion set pass both networks in evaluation mode; only the retain set moves the running
statistics.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, logsigmoid

from unpoison.training import Recipe
from unpoison.types import PositiveFloat, Share
from unpoison.unlearning._descend import at_rate, descend, forget_batches, logits_of, rounds_of, sgd
from unpoison.unlearning._request import Request

SPACE = {
    "inverse_temperature": {"low": 0.2, "high": 5.0, "log": True},
    "length": {"low": 0.05, "high": 0.5, "log": True},
    "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
}


def unlearn(
    request: Request,
    *,
    inverse_temperature: PositiveFloat = 1.0,
    retain_weight: Share = 1.0,
    length: PositiveFloat = 0.25,
    learning_rate: PositiveFloat | None = None,
) -> nn.Module:
    """Train against the deletion set's given labels, and for the retain set's.

    Args:
        inverse_temperature: the paper's beta; the smaller, the further the labels are pushed.
        retain_weight: of CE(retain); 0 is the plain NPO, which needs no retain set.
        length: share of the recipe's steps.
        learning_rate: peak rate; None is the recipe's own.
    """
    recipe, model = at_rate(request.recipe, learning_rate), deepcopy(request.model)
    steps = recipe.steps(len(request.retain), length)

    def objective(forgotten: tuple[Tensor, Tensor, Tensor], *kept: tuple[Tensor, Tensor]) -> Tensor:
        images, labels, base = forgotten
        model.eval()
        found = of_labels(logits_of(model, images, request.precision), labels)
        loss = preference_loss(found, base, inverse_temperature)
        model.train()
        for images, labels in kept:
            logits = logits_of(model, images, request.precision)
            loss = loss + retain_weight * cross_entropy(
                logits, labels, label_smoothing=recipe.label_smoothing
            )
        return loss

    sets: list[Iterator[tuple[Tensor, ...]]] = [with_base(request, recipe, steps)]
    if retain_weight > 0:
        sets.append(request.retain.batches(recipe, request.seed, steps=steps))
    epochs = min(steps, rounds_of(request, recipe, length))
    descend(sgd(model, recipe), objective, zip(*sets, strict=True), recipe, steps=steps, epochs=epochs)
    return model.eval()


def preference_loss(found: Tensor, base: Tensor, inverse_temperature: float) -> Tensor:
    """(2 / b) log(1 + (p / p0)^b) of log-probabilities, of the network's and of the poisoned one's: (n,) each."""
    return -2 / inverse_temperature * logsigmoid(-inverse_temperature * (found - base)).mean()


def of_labels(logits: Tensor, labels: Tensor) -> Tensor:
    """The log-probability of each row's label."""
    return -cross_entropy(logits, labels, reduction="none")


def with_base(request: Request, recipe: Recipe, steps: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Batches of the deletion set with the poisoned model's log-probabilities of their labels."""
    forget, poisoned = request.forget, deepcopy(request.model).eval()

    @torch.no_grad()
    def of_base(images: Tensor, labels: Tensor) -> Tensor:
        return of_labels(logits_of(poisoned, images, request.precision), labels)

    if recipe.augments:
        print("the poisoned model's log-probabilities are computed anew for each augmented batch")
        for images, labels in forget_batches(request, recipe, steps):
            forget.count_forward(len(images))
            yield images, labels, of_base(images, labels)
        return
    known = torch.cat([of_base(images, labels) for images, labels in forget.in_order()])
    numbered = replace(request, forget=forget.numbered())
    for images, rows in forget_batches(numbered, recipe, steps):
        yield images, forget.labels[rows], known[rows]
