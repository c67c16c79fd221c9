"""Random labels: fit wrong labels on the deletion set, the given ones on the retain set (arXiv 2010.10981).

Amnesiac unlearning's "unlearning" step (Graves et al. 2021): minimise CE(f(x), y') for x of the deletion set, with y'
uniform over the other classes, and CE(f(x), y) on the retain set.

The defaults are those of the authors' CIFAR-100 notebook: each wrong label is drawn once and is never the given one,
both sets are shuffled together, batch norm is in training mode, and the rate is constant. SalUn's CIFAR-10 code
(arXiv 2310.12508) takes `labels: anew` and `order: in_turn`; the method `salun` has these as its defaults.

The study chooses the length (the notebook: ten passes) and the rate. The notebook steps with Adam at 0.001;
this method steps with SGD, as SalUn's code does.
BatchNorm: in training mode batches with rows of the deletion set move the running statistics too. In
evaluation mode (`batch_norm: eval`, ours) they do not; with `order: mixed` this includes every batch with
such a row.
"""

from copy import deepcopy
from typing import Literal

from torch import nn

from unpoison.contracts.request import Request
from unpoison.types import PositiveFloat
from unpoison.unlearning._descend import at_rate, sgd, with_schedule
from unpoison.unlearning._relabel import relabel

SPACE = {
    "length": {"low": 0.05, "high": 0.5, "log": True},
    "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
}


def unlearn(
    request: Request,
    *,
    batch_norm: Literal["train", "eval"] = "train",
    labels: Literal["once", "anew"] = "once",
    order: Literal["mixed", "in_turn"] = "mixed",
    schedule: Literal["constant", "recipe"] = "constant",
    length: PositiveFloat = 0.25,
    learning_rate: PositiveFloat | None = None,
) -> nn.Module:
    """Train on wrong labels for the deletion set and on the given ones for the retain set.

    Args:
        batch_norm: mode of batches that hold rows of the deletion set; published: train.
        labels: once, never the given label (published); or anew in each round, from all classes (SalUn).
        order: both sets shuffled together (published); or in each round the deletion set first (SalUn).
        schedule: the rate in every step (published), or the recipe's warm-up and decay.
        length: share of the recipe's steps that the passes over the retain set take, in whole passes.
        learning_rate: peak rate; None is the recipe's own.
    """
    recipe = with_schedule(at_rate(request.recipe, learning_rate), schedule)
    model = deepcopy(request.model)
    relabel(
        model,
        sgd(model, recipe),
        request,
        recipe,
        length,
        batch_norm=batch_norm,
        labels=labels,
        order=order,
    )
    return model.eval()
