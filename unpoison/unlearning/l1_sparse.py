"""l1-sparse: go on training on the retain set under an l1 penalty that fades out (arXiv 2304.04934).

Jia et al. 2023, "sparsity-aware unlearning": minimise CE(retain) + a (1 - t) |weights|_1, where t is the share of the
training that is done.

Deviations: the penalty is on filters and matrices of weights; norm layers' parameters and biases are left out, for
their size says nothing of sparsity and a channel whose scale is 0 is gone for good. It fades by the step and not by
the epoch. The length is that of finetune.
BatchNorm's running statistics are refreshed by the retain set along the way.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.gradients import trained_parameters
from unpoison.types import PositiveFloat
from unpoison.unlearning._descend import at_rate, descend, logits_of, rounds_of, sgd

SPACE = {
    "penalty": {"low": 1e-5, "high": 1e-3, "log": True},
    "length": {"low": 0.05, "high": 0.5, "log": True},
    "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
}


def unlearn(
    request: Request,
    *,
    penalty: PositiveFloat = 5e-4,
    length: PositiveFloat = 0.25,
    learning_rate: PositiveFloat | None = None,
) -> nn.Module:
    """Train on the retain set under the penalty.

    Args:
        penalty: the paper's gamma, at the first step.
        length: share of the recipe's steps.
        learning_rate: peak rate; None is the recipe's own.
    """
    recipe, model = at_rate(request.recipe, learning_rate), deepcopy(request.model).train()
    penalised = [weights for weights in trained_parameters(model) if weights.ndim > 1]
    steps = recipe.steps(len(request.retain), length)

    def objective(left: float, images: Tensor, labels: Tensor) -> Tensor:
        norm = torch.stack([weights.abs().sum() for weights in penalised]).sum()
        logits = logits_of(model, images, request.precision)
        return cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing) + penalty * left * norm

    batches = enumerate(request.retain.batches(recipe, request.seed, steps=steps))
    descend(
        sgd(model, recipe),
        objective,
        ((1 - step / steps, *batch) for step, batch in batches),
        recipe,
        steps=steps,
        epochs=min(steps, rounds_of(request, recipe, length)),
    )
    return model.eval()
