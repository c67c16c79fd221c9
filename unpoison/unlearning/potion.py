"""Potion: damp more and more weights until the deletion set's given labels are forgotten (arXiv 2406.09173).

Schoepf, Foster and Brintrup 2024, poison trigger neutralisation: outlier-resistant label-free importances, and the
threshold of `assd` with a growing p in place of nf / n (the share log(1 + 100 p) / 100 of the weights is damped,
lambda 1). p starts at (nf / n) / 25 and grows by a tenth with each try. Each try starts from the poisoned
network. The tries end when the accuracy on the deletion set's given labels is at most rho times that of the
poisoned network.

The defaults are the authors' code (if-loops/towards_poison_unlearning): I_D is computed on the retained rows,
both importances are mean absolute gradients of the unsquared norm of the outputs, in batches of 512 augmented
images. Its rho is swept from 0 to 0.75; 0.2 is a value of that sweep.

The rule assumes that the deletion set holds poisons alone. Clean rows in it are rightly predicted as given.
The damping then goes on until they are forgotten too, which destroys the network.

Deviations: the accuracy is of images as they are; the authors augment them here too, which changed the
adversarial accuracy by at most 1.0 points in two seeds. When no try meets the rule, the last one is returned,
as in their code.
BatchNorm: as in `ssd`."""

from copy import deepcopy
from math import log1p
from typing import Literal

from torch import nn

from unpoison.contracts.request import Request
from unpoison.training import accuracy
from unpoison.types import PositiveInt, Share
from unpoison.unlearning._importance import (
    LABEL_FREE,
    OUTLIER_RESISTANT,
    Passes,
    dampen,
    importances,
    ratios,
    selection_of,
)

SPACE = {"accuracy_left": {"low": 0.05, "high": 0.5}}
GROWTH = 1.1


def unlearn(
    request: Request,
    *,
    accuracy_left: Share = 0.2,
    tries: PositiveInt = 500,
    norm: Literal["unsquared", "squared"] = "unsquared",
    importance: Literal["batch", "sample"] = "batch",
    importance_batch_size: PositiveInt = 512,
    against: Literal["all", "mixed", "retain"] = "retain",
    augment: bool = True,
    sample: PositiveInt | None = None,
) -> nn.Module:
    """Return the first damped network that has forgotten the deletion set's given labels.

    Args:
        accuracy_left: the paper's rho, the share of the accuracy on the deletion set at which to stop.
        tries: largest number of values of p (published: 500).
        norm: what the importances differentiate: the norm of the outputs (published) or its square, as in `lfssd`.
        importance, importance_batch_size, against, augment, sample: as in `ssd`; published: the defaults.
    """
    measure = OUTLIER_RESISTANT if norm == "unsquared" else LABEL_FREE
    passes = Passes(importance, importance_batch_size, against, augment, sample)
    own, others = importances(request, measure, passes)
    ascending = ratios(own, others)
    model = deepcopy(request.model)
    enough = accuracy_left * accuracy(model, request.forget, request.precision)
    p = len(request.forget) / (len(request.forget) + len(request.retain)) / 25
    for growth in range(tries):
        share = min(log1p(100 * p * GROWTH**growth) / 100, 1.0)
        model = deepcopy(request.model)
        dampen(model, own, others, selection=selection_of(ascending, share), dampening=1.0)
        if accuracy(model, request.forget, request.precision) <= enough:
            break
    return model.eval()
