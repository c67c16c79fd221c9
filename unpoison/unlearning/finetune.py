"""CF, catastrophic forgetting: continue training the poisoned model on the retain set (arXiv 2402.14015).

BatchNorm's running statistics are refreshed by the retain set along the way.
With `last`, CF-k: only the last k layers are trained, and BatchNorm's statistics before them stay.
A pass through the trained layers alone counts as an image pass. So does the pass through all layers that
computes the features of the frozen ones.
"""

from copy import deepcopy

from torch import nn

from unpoison.contracts.request import Request
from unpoison.training import train
from unpoison.types import PositiveFloat, PositiveInt
from unpoison.unlearning._descend import at_rate
from unpoison.unlearning._last import cut_before, train_last

SPACE = {
    "length": {"low": 0.05, "high": 0.5, "log": True},
    "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
}


def unlearn(
    request: Request,
    *,
    length: PositiveFloat = 0.25,
    learning_rate: PositiveFloat | None = None,
    last: PositiveInt | None = None,
) -> nn.Module:
    """Train on the retain set with the recipe of the poisoned model, shortened.

    Args:
        length: share of the recipe's steps (the paper: 1,000 of 4,000).
        learning_rate: peak rate; None is the recipe's own, as in the paper.
        last: layers to train, counted from the end (see `_last.cut_before`); None is all.
    """
    recipe, model = at_rate(request.recipe, learning_rate), deepcopy(request.model)
    if last is None:
        train(model, request.retain, recipe, request.seed, precision=request.precision, length=length)
    else:
        train_last(model, cut_before(model, last), request, recipe, length)
    return model.eval()
