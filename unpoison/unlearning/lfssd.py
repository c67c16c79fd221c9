"""LFSSD, label-free SSD: as `ssd`, with importances that need neither labels nor a loss (arXiv 2402.19308).

Foster, Schoepf and Brintrup 2024, Loss-Free Machine Unlearning: the importance of a weight is the mean absolute
gradient of the squared L2 norm of the outputs. The given label of a poison is wrong, and is not used here.

The authors state two lines to replace in their code of SSD, and no other settings. The defaults are therefore
those of `ssd`.
BatchNorm: as in `ssd`."""

from copy import deepcopy
from typing import Literal

from torch import nn

from unpoison.contracts.request import Request
from unpoison.types import PositiveFloat, PositiveInt, PositiveShare
from unpoison.unlearning._importance import LABEL_FREE, Passes, dampen, importances, threshold

SPACE = {  # a share is tuned: its useful range is the same for all importances and deletion sets
    "share": {"low": 0.0005, "high": 0.02, "log": True},
    "dampening": {"low": 0.1, "high": 2.0, "log": True},
}
ONE_OF = ("selection", "share")
SELECTION = {"batch": 10.0, "sample": 8.0}


def unlearn(
    request: Request,
    *,
    selection: PositiveFloat | None = None,
    share: PositiveShare | None = None,
    dampening: PositiveFloat = 1.0,
    importance: Literal["batch", "sample"] = "batch",
    importance_batch_size: PositiveInt = 128,
    against: Literal["all", "mixed", "retain"] = "all",
    augment: bool = False,
    sample: PositiveInt | None = None,
) -> nn.Module:
    """Damp a copy of the poisoned network by label-free importances.

    Args:
        selection: the paper's alpha; None is 10 for `batch`, as in `ssd`, and 8 for `sample`. The 8 was chosen from 7
            to 14 on three validation seeds.
        share: in place of selection: the share of all weights that is damped, those with the largest ratio
            (published: none; the threshold is found as in `assd`).
        dampening: the paper's lambda.
        importance, importance_batch_size, against, augment, sample: as in `ssd`; published: the defaults.
    """
    passes = Passes(importance, importance_batch_size, against, augment, sample)
    own, others = importances(request, LABEL_FREE, passes)
    model = deepcopy(request.model)
    if selection is None and share is None:
        selection = SELECTION[importance]
    alpha = threshold(own, others, selection, share)
    dampen(model, own, others, selection=alpha, dampening=dampening)
    return model.eval()
