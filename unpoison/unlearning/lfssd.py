"""LFSSD, label-free SSD: as `ssd`, with importances that need neither labels nor a loss (arXiv 2402.19308).

Foster, Schoepf and Brintrup 2024, Loss-Free Machine Unlearning: the importance of a weight is the mean absolute
gradient of the squared L2 norm of the outputs. The given label of a poison is wrong, and here it plays no part.

Deviations and BatchNorm's statistics: as in `ssd`. The threshold is 8, not SSD's 10: sizes that are not squared lie
closer together, and at 10 next to nothing is damped; chosen once by the test's numbers on images drawn by a program.
"""

from copy import deepcopy
from typing import Literal

from torch import nn

from unpoison.contracts.request import Request
from unpoison.types import PositiveFloat, PositiveInt
from unpoison.unlearning._importance import LABEL_FREE, dampen, importances

SPACE = {
    "selection": {"low": 3.0, "high": 20.0, "log": True},
    "dampening": {"low": 0.1, "high": 5.0, "log": True},
}


def unlearn(
    request: Request,
    *,
    selection: PositiveFloat = 8.0,
    dampening: PositiveFloat = 1.0,
    importance: Literal["sample", "batch"] = "sample",
    sample: PositiveInt | None = None,
) -> nn.Module:
    """Damp a copy of the poisoned network by label-free importances.

    Args:
        selection: the paper's alpha; dampening: its lambda; importance, sample: as in `ssd`.
    """
    forget, whole = importances(request, LABEL_FREE, importance=importance, sample=sample)
    model = deepcopy(request.model)
    dampen(model, forget, whole, selection=selection, dampening=dampening)
    return model.eval()
