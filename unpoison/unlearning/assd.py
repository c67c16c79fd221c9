"""ASSD, adaptive SSD: as `ssd`, with the threshold chosen by the share of rows to forget (arXiv 2402.10098).

Schoepf, Foster and Brintrup 2024: alpha is the percentile 100 - log(1 + 100 nf / n) of I_f / I_D over all weights,
for nf rows to forget out of n, and lambda is 1; nothing is left to be tuned.

Deviations and BatchNorm's statistics: as in `ssd`.
"""

from copy import deepcopy
from math import log1p
from typing import Any, Literal

from torch import nn

from unpoison.contracts.request import Request
from unpoison.types import PositiveInt
from unpoison.unlearning._importance import FISHER, dampen, importances, ratios, selection_of

SPACE: dict[str, Any] = {}


def unlearn(
    request: Request,
    *,
    importance: Literal["sample", "batch"] = "sample",
    sample: PositiveInt | None = None,
) -> nn.Module:
    """Damp the share log(1 + 100 nf / n) / 100 of a copy's weights, those of the largest ratio.

    Args:
        importance, sample: as in `ssd`.
    """
    forget, whole = importances(request, FISHER, importance=importance, sample=sample)
    rows = len(request.forget), len(request.forget) + len(request.retain)
    model = deepcopy(request.model)
    selection = selection_of(ratios(forget, whole), log1p(100 * rows[0] / rows[1]) / 100)
    dampen(model, forget, whole, selection=selection, dampening=1.0)
    return model.eval()
