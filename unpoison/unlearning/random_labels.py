"""Random labels: fit wrong labels on the deletion set, the given ones on the retain set (arXiv 2010.10981).

Amnesiac unlearning's "unlearning" step (Graves et al. 2021): minimise CE(f(x), y') for x of the deletion set, with y'
uniform over the classes, and CE(f(x), y) on the retain set. In each round first all batches of the deletion set, then
all of the retain set, as in the CIFAR-10 code of SalUn.

Deviations: y' is never the given label (drawn from all classes it is so once in as many draws as there are classes),
and is drawn anew in each round. The length is a share of the recipe's steps, in whole passes over the retain set.
BatchNorm: batches of the deletion set pass in evaluation mode; only the retain set moves the running statistics.
"""

from copy import deepcopy

from torch import nn

from unpoison.contracts.request import Request
from unpoison.types import PositiveFloat
from unpoison.unlearning._descend import at_rate, sgd
from unpoison.unlearning._relabel import relabel

SPACE = {
    "length": {"low": 0.05, "high": 0.5, "log": True},
    "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
}


def unlearn(
    request: Request, *, length: PositiveFloat = 0.25, learning_rate: PositiveFloat | None = None
) -> nn.Module:
    """Alternate between wrong labels for the deletion set and the given ones for the retain set.

    Args:
        length: share of the recipe's steps that the passes over the retain set take, in whole passes.
        learning_rate: peak rate; None is the recipe's own.
    """
    recipe, model = at_rate(request.recipe, learning_rate), deepcopy(request.model)
    relabel(model, sgd(model, recipe), request, recipe, length)
    return model.eval()
