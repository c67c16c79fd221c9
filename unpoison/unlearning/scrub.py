"""SCRUB: away from the poisoned model on the deletion set, towards it and the labels on the retain set.

Kurmanji et al. 2023, arXiv 2302.09880, Algorithm 1: max steps climb KL(teacher : student) on the deletion
set, min steps descend a KL(teacher : student) + c CE on the retain set; the teacher is the poisoned model.
Each round takes its max steps and then a pass of min steps over the retain set; the last round, where there are
more than one, takes min steps alone, and so the method always ends on a pass over the retain set.

Deviations: max steps are counted in steps, all rounds together, where the paper counts passes over the deletion set;
batches are of the recipe's size in both sets; the rate follows the recipe's schedule. KL carries the square of the
temperature, is summed over classes and averaged over rows. No rewinding (SCRUB+R).
BatchNorm: the student passes both sets in training mode, as published: at the start it differs from its teacher by
nothing else, and a KL of 0 has no slope to climb. The last pass leaves the running statistics to the retain set.
"""

from copy import deepcopy

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.types import PositiveFloat, PositiveInt
from unpoison.unlearning._descend import alternate, at_rate, descend, logits_of, per_pass, rounds_of, sgd
from unpoison.unlearning._distil import divergence, teacher_logits

SPACE = {
    "ascent_steps": {"low": 2, "high": 50, "log": True},
    "length": {"low": 0.05, "high": 0.5, "log": True},
    "learning_rate": {"low": 0.0005, "high": 0.05, "log": True},
    "teacher_weight": {"low": 0.001, "high": 1.0, "log": True},
    "temperature": {"choices": [1.0, 2.0, 4.0]},
}


def unlearn(
    request: Request,
    *,
    ascent_steps: PositiveInt | None = None,
    length: PositiveFloat = 0.25,
    learning_rate: PositiveFloat | None = None,
    teacher_weight: PositiveFloat = 0.001,
    label_weight: PositiveFloat = 0.99,
    temperature: PositiveFloat = 4.0,
) -> nn.Module:
    """Alternate between max steps on the deletion set and min steps on the retain set.

    Args:
        ascent_steps: max steps in all, dealt evenly to the rounds; None is two passes over the deletion set.
        length: share of the recipe's steps that the min steps take, in whole passes over the retain set.
        learning_rate: peak rate; None is a tenth of the recipe's (Goel et al. 2024).
        teacher_weight: the paper's alpha.
        label_weight: the paper's gamma.
        temperature: of the softmax of student and teacher.
    """
    recipe = at_rate(request.recipe, learning_rate or 0.1 * request.recipe.learning_rate)
    teacher, student = deepcopy(request.model).eval(), deepcopy(request.model).train()
    ascents = 2 * per_pass(request.forget, recipe) if ascent_steps is None else ascent_steps
    rounds = rounds_of(request, recipe, length)

    def objective(is_forget: bool, images: Tensor, labels: Tensor) -> Tensor:
        logits = logits_of(student, images, request.precision)
        away = divergence(logits, teacher_logits(teacher, images, request), temperature)
        towards = teacher_weight * away + label_weight * cross_entropy(logits, labels)
        return -away if is_forget else towards

    descend(
        sgd(student, recipe),
        objective,
        alternate(request, recipe, spread_evenly(ascents, rounds)),
        recipe,
        steps=ascents + rounds * per_pass(request.retain, recipe),
        epochs=rounds,
    )
    return student.eval()


def spread_evenly(steps: int, rounds: int) -> list[int]:
    """Steps dealt evenly to all rounds but the last, the first ones taking what is left over."""
    climbing = max(1, rounds - 1)
    each, more = divmod(steps, climbing)
    return [each + (place < more) for place in range(climbing)] + [0] * (rounds - climbing)
