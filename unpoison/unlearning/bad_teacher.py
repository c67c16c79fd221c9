"""Bad teacher: learn from the poisoned model on the retain set and from an untrained one on the deletion set.

Chundawat et al. 2023, arXiv 2205.08096: minimise KL((1 - l) teacher + l untrained : student), with l = 1 for
rows of the deletion set and 0 for the others, over batches of both sets mixed. Labels are not used at all:
the untrained teacher pulls the deletion set towards no class, not towards the right one.

The training is that of Goel et al. 2024 (arXiv 2402.14015): SGD for a quarter of the recipe's steps over all rows.
Chundawat et al. train with Adam at 0.0001 for one epoch over 30 % of the retain set: `optimiser: adam`,
`learning_rate: 0.0001`, `retain_share: 0.3` and a `length` of one epoch. The schedule is the recipe's in both.
KL is averaged over rows and classes, as in both codes, which call torch's kl_div with its default. The paper sums over
the classes: `reduction: batchmean`. Adam is invariant to a factor of the loss; the steps of SGD are shorter
by that factor.
The temperature is 1 in both codes; as there, KL is not multiplied by its square.
BatchNorm: the teachers are in evaluation mode, and the student in training mode, as in both codes. Its
statistics are those of both sets together, so a trigger still contributes to them, in proportion to the
deletion set's share of all rows.
"""

from copy import deepcopy
from typing import Literal

import torch
from torch import Tensor, nn

from unpoison.contracts.request import Request
from unpoison.optimisers import Adam
from unpoison.seeds import derive_seed
from unpoison.types import PositiveFloat, PositiveShare
from unpoison.unlearning._descend import at_rate, descend, logits_of, per_pass, sgd
from unpoison.unlearning._distil import divergence, teacher_logits

SPACE = {
    "length": {"low": 0.05, "high": 0.5, "log": True},
    "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
    "temperature": {"choices": [1.0, 2.0, 4.0]},
}


def unlearn(
    request: Request,
    *,
    length: PositiveFloat = 0.25,
    learning_rate: PositiveFloat | None = None,
    temperature: PositiveFloat = 1.0,
    retain_share: PositiveShare = 1.0,
    optimiser: Literal["sgd", "adam"] = "sgd",
    reduction: Literal["mean", "batchmean"] = "mean",
) -> nn.Module:
    """Distil both teachers into a copy of the poisoned model.

    Args:
        length: share of the recipe's steps.
        learning_rate: peak rate; None is the recipe's own.
        temperature: of the softmax of student and teachers.
        retain_share: share of the retain set that is used, drawn once; 0.3 in Chundawat et al., 1 in Goel et
            al.
        optimiser: `adam` in Chundawat et al., `sgd` in Goel et al.
        reduction: of KL over the classes, averaged (both codes) or summed (the paper).
    """
    recipe, student = at_rate(request.recipe, learning_rate), deepcopy(request.model).train()
    competent = deepcopy(request.model).eval()
    incompetent = request.new_model(derive_seed("untrained teacher", request.seed)).eval()
    retain = request.retain
    if retain_share < 1:
        generator = torch.Generator().manual_seed(derive_seed("retain share", request.seed))
        few = max(1, round(retain_share * len(retain)))
        retain = retain.take(torch.randperm(len(retain), generator=generator)[:few])
    both = retain + request.forget
    steps = recipe.steps(len(both), length)

    def objective(images: Tensor, rows: Tensor) -> Tensor:
        logits = logits_of(student, images, request.precision)
        is_forget = rows >= len(retain)
        target = torch.empty_like(logits)
        for teacher, chosen in ((competent, ~is_forget), (incompetent, is_forget)):
            if chosen.any():
                target[chosen] = teacher_logits(teacher, images[chosen], request)
        loss = divergence(logits, target, temperature)
        return loss / logits.shape[1] if reduction == "mean" else loss

    descend(
        Adam(student.parameters()) if optimiser == "adam" else sgd(student, recipe),
        objective,
        both.numbered().batches(recipe, request.seed, steps=steps),
        recipe,
        steps=steps,
        epochs=max(1, round(steps / per_pass(both, recipe))),
    )
    return student.eval()
