"""SSD, selective synaptic dampening: shrink the weights that matter more to the deletion set than to all rows.

Foster, Schoepf and Brintrup 2024 (AAAI; arXiv 2308.07707): with importances I, the diagonals of the empirical Fisher
information, theta_i becomes min(lambda I_D,i / I_f,i, 1) theta_i wherever I_f,i > alpha I_D,i.

Deviations: importances are of each image's own gradient and not of a batch's mean (`importance: batch` is the
published code), on images as they are, stamped and not augmented. BatchNorm's scales and shifts are weights as any;
its running statistics are used as they are and stay, so what they hold of the poisons stays too.
"""

from copy import deepcopy
from typing import Literal

from torch import nn

from unpoison.contracts.request import Request
from unpoison.types import PositiveFloat, PositiveInt
from unpoison.unlearning._importance import FISHER, dampen, importances

SPACE = {
    "selection": {"low": 1.0, "high": 100.0, "log": True},
    "dampening": {"low": 0.1, "high": 5.0, "log": True},
}


def unlearn(
    request: Request,
    *,
    selection: PositiveFloat = 10.0,
    dampening: PositiveFloat = 1.0,
    importance: Literal["sample", "batch"] = "sample",
    sample: PositiveInt | None = None,
) -> nn.Module:
    """Damp a copy of the poisoned network; where nothing is selected it stays as it is, bit for bit.

    Args:
        selection: the paper's alpha; dampening: its lambda.
        importance: `sample`: of each image's own gradient; `batch`: of batches of the recipe's size.
        sample: how many rows stand for the whole training set (the paper: all, None).
    """
    forget, whole = importances(request, FISHER, importance=importance, sample=sample)
    model = deepcopy(request.model)
    dampen(model, forget, whole, selection=selection, dampening=dampening)
    return model.eval()
