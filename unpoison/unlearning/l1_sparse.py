"""l1-sparse: continue training on the retain set under an l1 penalty that fades out (arXiv 2304.04934).

Jia et al. 2023, "sparsity-aware unlearning": minimise CE(retain) + a (1 - t) |weights|_1, where t is the share of the
training that is done.

The defaults are those of the authors' `FT_l1`: the penalty is on all parameters, norm layers' and biases too, and
decreases from pass to pass; the rate is constant. `penalised: filters` (ours) leaves norm layers and biases
out: their size says nothing about sparsity, and a channel with scale 0 cannot recover. The study chooses the
length and the rate (there ten passes at 0.01). BatchNorm's running statistics are refreshed by the retain set
along the way.
"""

from copy import deepcopy
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.gradients import trained_parameters
from unpoison.types import PositiveFloat
from unpoison.unlearning._descend import at_rate, descend, logits_of, per_pass, sgd, with_schedule

SPACE = {
    "penalty": {"low": 1e-5, "high": 1e-3, "log": True},
    "length": {"low": 0.05, "high": 0.5, "log": True},
    "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
}


def unlearn(
    request: Request,
    *,
    penalty: PositiveFloat = 5e-4,
    penalised: Literal["all", "filters"] = "all",
    schedule: Literal["constant", "recipe"] = "constant",
    length: PositiveFloat = 0.25,
    learning_rate: PositiveFloat | None = None,
) -> nn.Module:
    """Train on the retain set under the penalty.

    Args:
        penalty: the paper's gamma, in the first pass.
        penalised: all parameters (published), or filters and weight matrices alone.
        schedule: the rate in every step (published), or the recipe's warm-up and decay.
        length: share of the recipe's steps.
        learning_rate: peak rate; None is the recipe's own.
    """
    recipe = with_schedule(at_rate(request.recipe, learning_rate), schedule)
    model = deepcopy(request.model).train()
    shrunk = [weights for weights in trained_parameters(model) if penalised == "all" or weights.ndim > 1]
    steps, each = recipe.steps(len(request.retain), length), per_pass(request.retain, recipe)
    passes = -(-steps // each)

    def objective(left: float, images: Tensor, labels: Tensor) -> Tensor:
        norm = torch.stack([weights.abs().sum() for weights in shrunk]).sum()
        logits = logits_of(model, images, request.precision)
        return cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing) + penalty * left * norm

    batches = enumerate(request.retain.batches(recipe, request.seed, steps=steps))
    descend(
        sgd(model, recipe),
        objective,
        ((1 - step // each / passes, *batch) for step, batch in batches),
        recipe,
        steps=steps,
        epochs=passes,
    )
    return model.eval()
