"""ASSD, adaptive SSD: as `ssd`, with the threshold chosen by the share of rows to forget (arXiv 2402.10098).

Schoepf, Foster and Brintrup 2024: alpha is the percentile 100 - log(1 + 100 nf / n) of I_f / I_D over all weights,
for nf rows to forget out of n, and lambda is 1; nothing is left to be tuned. Ratios that are not finite are
left out of the percentile.

The defaults are the authors' code for images (`assd_tuning` of if-loops/towards_poison_unlearning): I_D is
computed on the retained rows, in batches of 512 augmented images. Their code for tabular data
(adaptive-selective-synaptic-dampening) takes the retained rows too, in batches of 1,024, and leaves BatchNorm
in training mode; that mode is not offered.
BatchNorm: as in `ssd`."""

from copy import deepcopy
from math import log1p
from typing import Any, Literal

from torch import nn

from unpoison.contracts.request import Request
from unpoison.types import PositiveInt
from unpoison.unlearning._importance import FISHER, Passes, dampen, importances, ratios, selection_of

SPACE: dict[str, Any] = {}


def unlearn(
    request: Request,
    *,
    importance: Literal["batch", "sample"] = "batch",
    importance_batch_size: PositiveInt = 512,
    against: Literal["all", "mixed", "retain"] = "retain",
    augment: bool = True,
    sample: PositiveInt | None = None,
) -> nn.Module:
    """Damp the share log(1 + 100 nf / n) / 100 of a copy's weights, those with the largest ratio.

    Args:
        importance, importance_batch_size, against, augment, sample: as in `ssd`; published: the defaults.
    """
    passes = Passes(importance, importance_batch_size, against, augment, sample)
    own, others = importances(request, FISHER, passes)
    rows = len(request.forget), len(request.forget) + len(request.retain)
    model = deepcopy(request.model)
    selection = selection_of(ratios(own, others), log1p(100 * rows[0] / rows[1]) / 100)
    dampen(model, own, others, selection=selection, dampening=1.0)
    return model.eval()
