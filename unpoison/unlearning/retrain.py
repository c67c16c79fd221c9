"""EU, exact unlearning: train again from scratch on the retain set (Goel et al. 2024, arXiv 2402.14015).

Exact with respect to the deletion set only: poisons that the detector missed are learned again.
The initial weights and the batch order come from the method's own seed, not from the poisoned model's.
With `last`, EU-k: only the last k layers are drawn anew and trained. The layers before them stay the poisoned
model's, with BatchNorm's running statistics, and may still respond to the trigger.
A pass through the trained layers alone counts as an image pass. So does the pass through all layers that
computes the features of the frozen ones.
"""

from copy import deepcopy

from torch import nn

from unpoison.contracts.request import Request
from unpoison.training import train
from unpoison.types import PositiveFloat, PositiveInt
from unpoison.unlearning._last import cut_before, train_last

SPACE: dict[str, dict[str, float]] = {}


def unlearn(
    request: Request, *, last: PositiveInt | None = None, length: PositiveFloat | None = None
) -> nn.Module:
    """Train a new network, or new last layers, on the retain set with the recipe of the poisoned model.

    Args:
        last: layers to train, counted from the end (see `_last.cut_before`); None is all.
        length: share of the recipe's steps; None is all of them, and a quarter with `last` (the paper: 1,000 of 4,000).
    """
    new = request.new_model(request.seed)
    if last is None:
        share = 1.0 if length is None else length
        train(new, request.retain, request.recipe, request.seed, precision=request.precision, length=share)
        return new.eval()
    model = deepcopy(request.model)
    cut = cut_before(model, last)
    for place in range(cut, len(model.network.layers)):  # type: ignore[arg-type]
        model.network.layers[place] = new.network.layers[place]  # type: ignore[index,operator]
    train_last(model, cut, request, request.recipe, 0.25 if length is None else length)
    return model.eval()
