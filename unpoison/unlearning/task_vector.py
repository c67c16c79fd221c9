"""Task vector: subtract what fine-tuning on the deletion set adds to the weights (arXiv 2212.04089, section 3).

Ilharco et al. 2023, "forgetting by negation": weights = base - a (tuned - base), where `tuned` is the poisoned model
trained on the deletion set alone. The retain set is not used.

The paper chooses a on validation data, by steps of 0.05 up to 1; here it is an option, and its default is that of the
authors' example. Their networks are CLIP's, tuned by AdamW with a frozen head; here the whole network is tuned by SGD
with the recipe's momentum and schedule and no weight decay, whose pull to 0 says nothing about the deletion
set.
BatchNorm: CLIP's image encoders that the paper negates have none, and so no mode is published. The statistics
are not part of the vector, since a variance that is subtracted can fall below 0. By default the copy is tuned
in evaluation mode, with the fixed running statistics. With `batch_norm: train` it is tuned with those of its
batches."""

from copy import deepcopy
from typing import Literal

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
    batch_norm: Literal["train", "eval"] = "eval",
    learning_rate: PositiveFloat | None = None,
) -> nn.Module:
    """Tune a copy on the deletion set, and move the poisoned model in the opposite direction.

    Args:
        scale: the paper's alpha: the length of the move in multiples of the tuning's.
        epochs: passes over the deletion set.
        batch_norm: mode of the tuning; none is published.
        learning_rate: peak rate; None is a tenth of the recipe's.
    """
    recipe = at_rate(request.recipe, learning_rate or 0.1 * request.recipe.learning_rate)
    model, tuned = deepcopy(request.model).eval(), deepcopy(request.model).train(batch_norm == "train")
    steps = epochs * per_pass(request.forget, recipe)

    def objective(images: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(logits_of(tuned, images, request.precision), labels)

    optimizer = SGD(tuned.parameters(), momentum=recipe.momentum, weight_decay=0.0)
    descend(optimizer, objective, forget_batches(request, recipe, steps), recipe, steps=steps, epochs=epochs)
    with torch.no_grad():
        for base, moved in zip(model.parameters(), tuned.parameters(), strict=True):
            base.sub_(scale * (moved - base))
    return model
