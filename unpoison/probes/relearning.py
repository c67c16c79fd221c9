"""Relearning: a few steps of training on the retain set, after which a backdoor that was only covered is back.

Min et al. 2024 (arXiv 2410.09838) train on a few rows that are known to be poisoned. Deviation: here the rows are all
that a user of the model would train on, and the poisons among them are those that the detector missed.
"""

from copy import deepcopy

from torch import nn

from unpoison.contracts.request import Request
from unpoison.seeds import derive_seed
from unpoison.training import train
from unpoison.types import PositiveShare


def probe(request: Request, *, length: PositiveShare = 0.02) -> nn.Module:
    """Return the model after a few steps on the retain set, by the recipe of the poisoned model.

    Args:
        length: share of the recipe's steps, with the schedule squeezed into them.
    """
    model = deepcopy(request.model)
    # Not the request's own seed: a method that trains on the retain set has drawn its batches by it.
    seed = derive_seed("relearning", request.seed)
    train(model, request.retain, request.recipe, seed, precision=request.precision, length=length)
    return model.eval()
