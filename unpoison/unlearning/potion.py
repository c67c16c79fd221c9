"""Potion: damp ever more weights until the deletion set's given labels are forgotten (arXiv 2406.09173).

Schoepf, Foster and Brintrup 2024 (TMLR), poison trigger neutralisation: label-free importances as in `lfssd`, the
threshold of `assd` with a growing p in place of nf / n (the share log(1 + 100 p) / 100 of the weights is damped,
lambda 1). From p = (nf / n) / 25 on, p grows by a tenth with each try, each from the poisoned network, until the
accuracy on the deletion set's given labels is at most rho times what it was.

The rule takes the deletion set to be poisons alone. With clean rows in it, which are predicted as given for good
reasons, it goes on damping until those are forgotten too, and the network with them.

Deviations: importances as in `ssd`, without the paper's other estimate of I_D that resists outliers. When no try
out of 500 meets the rule the last one is given back. BatchNorm's statistics: as in `ssd`.
"""

from copy import deepcopy
from math import log1p

from torch import nn

from unpoison.contracts.request import Request
from unpoison.training import accuracy
from unpoison.types import PositiveInt, Share
from unpoison.unlearning._importance import LABEL_FREE, dampen, importances, ratios, selection_of

SPACE = {"accuracy_left": {"low": 0.05, "high": 0.5}}
GROWTH = 1.1


def unlearn(
    request: Request,
    *,
    accuracy_left: Share = 0.2,
    tries: PositiveInt = 500,
    sample: PositiveInt | None = None,
) -> nn.Module:
    """The first damped network that has forgotten the deletion set's given labels.

    Args:
        accuracy_left: the paper's rho, the share of the accuracy on the deletion set at which to stop.
        tries: how often p may grow; sample: as in `ssd`.
    """
    forget, whole = importances(request, LABEL_FREE, sample=sample)
    ascending = ratios(forget, whole)
    model = deepcopy(request.model)
    enough = accuracy_left * accuracy(model, request.forget, request.precision)
    p = len(request.forget) / (len(request.forget) + len(request.retain)) / 25
    for growth in range(tries):
        share = min(log1p(100 * p * GROWTH**growth) / 100, 1.0)
        model = deepcopy(request.model)
        dampen(model, forget, whole, selection=selection_of(ascending, share), dampening=1.0)
        if accuracy(model, request.forget, request.precision) <= enough:
            break
    return model.eval()
