"""NegGrad+: descend the loss on the retain set while climbing it on the deletion set (arXiv 2302.09880).

Kurmanji et al. 2023: minimise b CE(retain) - (1 - b) CE(deletion set), a batch of each in every step.

Deviations: the second part is bounded, for it has no bottom: a batch of the deletion set whose mean loss has reached
the bound pulls no more. The length is that of finetune.
BatchNorm: batches of the deletion set pass in evaluation mode; only the retain set moves the running statistics.
"""

import math
from copy import deepcopy

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.types import PositiveFloat, Share
from unpoison.unlearning._descend import at_rate, descend, logits_of, pairs, rounds_of, sgd

SPACE = {
    "retain_share": {"low": 0.5, "high": 0.999},
    "length": {"low": 0.05, "high": 0.5, "log": True},
    "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
}


def unlearn(
    request: Request,
    *,
    retain_share: Share = 0.95,
    bound: PositiveFloat | None = None,
    length: PositiveFloat = 0.25,
    learning_rate: PositiveFloat | None = None,
) -> nn.Module:
    """Train on both sets at once, the deletion set with a minus sign.

    Args:
        retain_share: the paper's beta.
        bound: of a deletion batch's mean loss; None is the logarithm of the number of classes: chance.
        length: share of the recipe's steps.
        learning_rate: peak rate; None is the recipe's own.
    """
    recipe, model = at_rate(request.recipe, learning_rate), deepcopy(request.model)
    steps = recipe.steps(len(request.retain), length)

    def objective(images: Tensor, labels: Tensor, forget_images: Tensor, forget_labels: Tensor) -> Tensor:
        model.eval()
        logits = logits_of(model, forget_images, request.precision)
        climbed = cross_entropy(logits, forget_labels)
        most = math.log(logits.shape[1]) if bound is None else bound
        model.train()
        kept = cross_entropy(
            logits_of(model, images, request.precision), labels, label_smoothing=recipe.label_smoothing
        )
        return retain_share * kept - (1 - retain_share) * climbed.clamp(max=most)

    descend(
        sgd(model, recipe),
        objective,
        pairs(request, recipe, steps),
        recipe,
        steps=steps,
        epochs=min(steps, rounds_of(request, recipe, length)),
    )
    return model.eval()
