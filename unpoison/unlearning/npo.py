"""NPO: make the deletion set's given labels less likely than under the poisoned model (arXiv 2404.05868).

Zhang et al. 2024, negative preference optimisation: minimise the mean over the deletion set of (2 / b) log(1 + (p(y |
x) / p0(y | x))^b), p0 being the poisoned model, plus CE(retain) (their NPO + RT). Its gradient vanishes as
the label becomes unlikely. For b to 0 it tends to gradient ascent. For b to infinity it tends to a hinge,
which ignores every row whose label is less likely than before.

The paper's loss is for answers of many tokens, with b = 0.1; here an answer is a label. b is 1 by default,
as in the code of REM (arXiv 2505.17730), which runs NPO on classifiers, and in part of this paper's synthetic
experiment. With 0.1 the probability of a label would have to fall to e^-30 before its gradient vanishes. The
schedule is of the paper's form (warm-up, then linear decay), but steps with SGD and not AdamW. The study
chooses the length and the rate.
The poisoned model's log-probabilities are computed once without augmentation, and for each batch with it.
BatchNorm: the paper's networks have none, and so no mode is published. By default the deletion set passes
through both networks in evaluation mode, so that p / p0 is 1 at the first step, as in the paper. With
`batch_norm: train`, as in REM's code, the trained network is in training mode on it, and the deletion set
changes the running statistics too."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Literal

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
    batch_norm: Literal["train", "eval"] = "eval",
    length: PositiveFloat = 0.25,
    learning_rate: PositiveFloat | None = None,
) -> nn.Module:
    """Train against the deletion set's given labels, and for the retain set's.

    Args:
        inverse_temperature: the paper's beta; the smaller, the further the labels are pushed.
        retain_weight: of CE(retain); 0 is the plain NPO, which needs no retain set.
        batch_norm: mode of the deletion set's batches in the trained network; none is published.
        length: share of the recipe's steps.
        learning_rate: peak rate; None is the recipe's own.
    """
    recipe, model = at_rate(request.recipe, learning_rate), deepcopy(request.model)
    steps = recipe.steps(len(request.retain), length)

    def objective(forgotten: tuple[Tensor, Tensor, Tensor], *kept: tuple[Tensor, Tensor]) -> Tensor:
        images, labels, base = forgotten
        model.train(batch_norm == "train")
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
