"""EU, exact unlearning: train again from scratch on the retain set (Goel et al. 2024, arXiv 2402.14015).

Exact with respect to the deletion set only: poisons that the detector missed are learned again.
The initial weights and the batch order come from the method's own seed, not from the poisoned model's.
"""

from torch import nn

from unpoison.training import train
from unpoison.unlearning._request import Request

SPACE: dict[str, dict[str, float]] = {}


def unlearn(request: Request) -> nn.Module:
    """Train a new network with the recipe of the poisoned one on the retain set."""
    model = request.new_model(request.seed)
    train(model, request.retain, request.recipe, request.seed, precision=request.precision)
    return model.eval()
