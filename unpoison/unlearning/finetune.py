"""CF, catastrophic forgetting: go on training the poisoned model on the retain set (arXiv 2402.14015).

BatchNorm's running statistics are refreshed by the retain set along the way.
"""

from copy import deepcopy
from dataclasses import replace

from torch import nn

from unpoison.training import train
from unpoison.types import PositiveFloat
from unpoison.unlearning._request import Request

SPACE = {
    "length": {"low": 0.05, "high": 0.5, "log": True},
    "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
}


def unlearn(
    request: Request, *, length: PositiveFloat = 0.25, learning_rate: PositiveFloat | None = None
) -> nn.Module:
    """Train on the retain set with the recipe of the poisoned model, shortened.

    Args:
        length: share of the recipe's steps (the paper: 1,000 of 4,000).
        learning_rate: peak rate; None is the recipe's own, as in the paper.
    """
    recipe = replace(
        request.recipe, learning_rate=request.recipe.learning_rate if learning_rate is None else learning_rate
    )
    model = deepcopy(request.model)
    train(model, request.retain, recipe, request.seed, precision=request.precision, length=length)
    return model.eval()
