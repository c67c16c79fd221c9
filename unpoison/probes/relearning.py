"""Relearning: a few steps of training on the retain set; a backdoor that was only hidden returns.

Min et al. 2024 (arXiv 2410.09838) train on a few rows that are known to be poisoned. Deviation: here the training uses
the whole retain set, as a user of the model would. Its poisons are those that the detector missed.
"""

from copy import deepcopy

from torch import nn

from unpoison.contracts.request import Request
from unpoison.seeds import derive_seed
from unpoison.training import train
from unpoison.types import PositiveShare


def probe(request: Request, *, length: PositiveShare = 0.02) -> nn.Module:
    """Return the model after a few steps on the retain set, with the recipe of the poisoned model.

    Args:
        length: share of the recipe's steps; the learning-rate schedule is shortened to fit.
    """
    model = deepcopy(request.model)
    # A derived seed: a method that trains on the retain set has already drawn its batches with the request's seed.
    seed = derive_seed("relearning", request.seed)
    train(model, request.retain, request.recipe, seed, precision=request.precision, length=length)
    return model.eval()
