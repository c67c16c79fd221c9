"""NegGrad+: descend the loss on the retain set while climbing it on the deletion set (arXiv 2302.09880).

Kurmanji et al. 2023: minimise b CE(retain) - (1 - b) CE(deletion set), a batch of each in every step.

The defaults are those of the authors' `train_negrad`: both batches pass in training mode, the deletion set's last;
SGD without momentum or weight decay at a constant rate; no bound. (Their small notebook passes both sets in
evaluation mode.)
The study chooses the length and the rate (there five or ten passes at 0.01) and beta (there 0.95 or 0.9999).
The second term is unbounded below. With a `bound` (ours) a batch of the deletion set whose mean loss has
reached it has no effect any more.
BatchNorm: in training mode both sets move the running statistics, and the deletion set as often as the retain
set. In evaluation mode (`batch_norm: eval`, ours) the deletion set is normalised by the statistics of the
retain set."""

from copy import deepcopy
from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.optimisers import SGD
from unpoison.types import PositiveFloat, Share
from unpoison.unlearning._descend import (
    at_rate,
    descend,
    limit_of,
    logits_of,
    pairs,
    rounds_of,
    sgd,
    with_schedule,
)

SPACE = {
    "retain_share": {"low": 0.5, "high": 0.999},
    "length": {"low": 0.05, "high": 0.5, "log": True},
    "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
}


def unlearn(
    request: Request,
    *,
    retain_share: Share = 0.95,
    bound: PositiveFloat | Literal["chance"] | None = None,
    batch_norm: Literal["train", "eval"] = "train",
    momentum: Literal["none", "recipe"] = "none",
    schedule: Literal["constant", "recipe"] = "constant",
    length: PositiveFloat = 0.25,
    learning_rate: PositiveFloat | None = None,
) -> nn.Module:
    """Train on both sets at once, the deletion set with a minus sign.

    Args:
        retain_share: the paper's beta.
        bound: of a deletion batch's mean loss; None is no bound (published); chance is the logarithm of the number of
            classes.
        batch_norm: mode of the deletion set's batches; published: train.
        momentum: none and no weight decay (published), or the recipe's momentum and weight decay.
        schedule: the rate in every step (published), or the recipe's warm-up and decay.
        length: share of the recipe's steps.
        learning_rate: peak rate; None is the recipe's own.
    """
    recipe = with_schedule(at_rate(request.recipe, learning_rate), schedule)
    model = deepcopy(request.model)
    steps = recipe.steps(len(request.retain), length)

    def objective(images: Tensor, labels: Tensor, forget_images: Tensor, forget_labels: Tensor) -> Tensor:
        logits = logits_of(model.train(), images, request.precision)
        kept = cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
        model.train(batch_norm == "train")
        climbed = cross_entropy(logits_of(model, forget_images, request.precision), forget_labels)
        if bound is not None:
            climbed = climbed.clamp(max=limit_of(bound, logits.shape[1]))
        return retain_share * kept - (1 - retain_share) * climbed

    plain = SGD(model.parameters(), momentum=0.0, weight_decay=0.0)
    descend(
        sgd(model, recipe) if momentum == "recipe" else plain,
        objective,
        pairs(request, recipe, steps),
        recipe,
        steps=steps,
        epochs=min(steps, rounds_of(request, recipe, length)),
    )
    return model.eval()
