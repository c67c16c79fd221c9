"""NPO: make the given labels of the deletion set less likely than the poisoned model does (arXiv 2404.05868).

Zhang et al. 2024, negative preference optimisation: minimise the mean over the deletion set of
(2 / b) log(1 + (p(y | x) / p0(y | x))^b), p0 being the poisoned model, plus CE(retain) (their NPO + RT). Its slope
fades as the label becomes unlikely: it tends to gradient ascent for b to 0, and to a hinge that lets go of
every row less likely than before for b to infinity.

Deviations: written for language models; here a label takes the place of an answer of many tokens, and so b is 1 and
not the paper's 0.1, by which a label would have to fall to e^-30 before it is let go; chosen once by the test's numbers
on images drawn by a program. The length is that of finetune.
The poisoned model's log-probabilities are computed once where nothing is augmented, else for each augmented batch.
BatchNorm: batches of the deletion set pass both networks in evaluation mode; only the retain set moves the running
statistics.
"""

from collections.abc import Iterator
from copy import deepcopy

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.types import PositiveFloat, Share
from unpoison.unlearning._descend import at_rate, descend, logits_of, rounds_of, sgd
from unpoison.unlearning._preference import of_labels, preference_loss, with_base

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
