"""Bad teacher: learn from the poisoned model on the retain set and from an untrained one on the deletion set.

Chundawat et al. 2023, arXiv 2205.08096: minimise KL((1 - l) teacher + l untrained : student), with l = 1 for
rows of the deletion set and 0 for the others, over batches of both sets mixed. Labels are not used at all, and the
untrained teacher draws the deletion set to no class rather than to the right one.

Deviations: the whole retain set is used (the paper: 30 % of it); SGD with the recipe's schedule, for a quarter of its
steps, as in Goel et al. 2024 (the paper: Adam at 0.0001, one epoch). KL is summed over classes and averaged over rows.
BatchNorm: the teachers are in evaluation mode; the student's statistics are those of both sets together, so that
those of a trigger stay in as far as the deletion set is a share of all rows.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn

from unpoison.contracts.request import Request
from unpoison.seeds import derive_seed
from unpoison.types import PositiveFloat
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
) -> nn.Module:
    """Distil both teachers into a copy of the poisoned model.

    Args:
        length: share of the recipe's steps.
        learning_rate: peak rate; None is the recipe's own.
        temperature: of the softmax of student and teachers.
    """
    recipe, student = at_rate(request.recipe, learning_rate), deepcopy(request.model).train()
    competent = deepcopy(request.model).eval()
    incompetent = request.new_model(derive_seed("untrained teacher", request.seed)).eval()
    both = request.retain + request.forget
    steps = recipe.steps(len(both), length)

    def objective(images: Tensor, rows: Tensor) -> Tensor:
        logits = logits_of(student, images, request.precision)
        is_forget = rows >= len(request.retain)
        target = torch.empty_like(logits)
        for teacher, chosen in ((competent, ~is_forget), (incompetent, is_forget)):
            if chosen.any():
                target[chosen] = teacher_logits(teacher, images[chosen], request)
        return divergence(logits, target, temperature)

    descend(
        sgd(student, recipe),
        objective,
        both.numbered().batches(recipe, request.seed, steps=steps),
        recipe,
        steps=steps,
        epochs=max(1, round(steps / per_pass(both, recipe))),
    )
    return student.eval()
