"""SCRUB: away from the poisoned model on the deletion set, towards it and the labels on the retain set.

Two methods go by this name. `objective` selects one of them; both end every round with a pass over the retain
set.
Kurmanji et al. 2023, arXiv 2302.09880, Algorithm 1, gave the name: max steps climb KL(teacher : student) on
the deletion set, min steps descend a KL(teacher : student) + c CE on the retain set. The teacher is the
poisoned model.
Goel et al. 2024, arXiv 2402.14015, run under the same name a method that climbs a KL + c CE on the deletion
set, and descends the same sum on the retain set.

An option that is None takes the value of the objective's authors:

| option | kurmanji (their notebook for CIFAR-10) | goel (the benchmark's script) |
|---|---|---|
| rounds | 3 | a quarter of the recipe's steps, in whole passes |
| max_passes | 2 | a fifth of the rounds, at least one (2 of 10: those that begin within 100 of 1,000 steps) |
| learning_rate | a twentieth of the recipe's (0.0005 of 0.01) | a tenth of the recipe's (0.0025 of 0.025) |
| schedule | constant | linear: 1 % warm-up, then falling to a fifth |
| forget_batch | 512 | the recipe's |
| label_weight | 0.99 | 1 |

KL is multiplied by the square of the temperature, summed over classes and averaged over rows, as in both
codes. Batches of the retain set are of the recipe's size (256 and 512 there). Goel's code keeps the round
that is best on the test set, which no repair may see: the last round is kept here. There is no rewinding
(SCRUB+R).

BatchNorm: in both codes the student is in training mode on both sets. With `batch_norm: eval` it is in
evaluation mode on the deletion set: Kurmanji's first max pass then has no effect, as student and teacher are
the same function.
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.types import PositiveFloat, PositiveInt
from unpoison.unlearning._descend import (
    alternate,
    at_rate,
    descend,
    held,
    logits_of,
    per_pass,
    rounds_of,
    sgd,
)
from unpoison.unlearning._distil import divergence, teacher_logits

SPACE = {
    "max_passes": {"low": 1, "high": 10, "log": True},
    "rounds": {"low": 2, "high": 10, "log": True},
    "learning_rate": {"low": 0.0005, "high": 0.05, "log": True},
    "teacher_weight": {"low": 0.001, "high": 1.0, "log": True},
    "temperature": {"choices": [1.0, 2.0, 4.0]},
}


@dataclass(frozen=True)
class Published:
    """The training settings of an objective's authors; `rate` is a share of the recipe's, None is the recipe's own."""

    paper: str
    rounds: int | None
    max_passes: int | None
    rate: float
    schedule: str
    forget_batch: int | None
    label_weight: float


AUTHORS = {
    "kurmanji": Published(
        "Kurmanji et al. 2023", 3, 2, rate=1 / 20, schedule="constant", forget_batch=512, label_weight=0.99
    ),
    "goel": Published(
        "Goel et al. 2024", None, None, rate=1 / 10, schedule="linear", forget_batch=None, label_weight=1.0
    ),
}


def unlearn(
    request: Request,
    *,
    objective: Literal["kurmanji", "goel"] = "kurmanji",
    max_passes: PositiveInt | None = None,
    rounds: PositiveInt | None = None,
    learning_rate: PositiveFloat | None = None,
    schedule: Literal["constant", "linear"] | None = None,
    forget_batch: PositiveInt | None = None,
    teacher_weight: PositiveFloat = 0.001,
    label_weight: PositiveFloat | None = None,
    temperature: PositiveFloat = 4.0,
    batch_norm: Literal["train", "eval"] = "train",
) -> nn.Module:
    """Alternate between max passes over the deletion set and min passes over the retain set.

    Args:
        objective: the authors whose SCRUB is run; it also sets the options that are None (see the table
            above).
        max_passes: number of rounds, from the first on, that begin with a pass over the deletion set (msteps
            there).
        rounds: passes over the retain set; max passes beyond them are not taken.
        learning_rate: peak rate.
        schedule: of the rate, held or Goel's.
        forget_batch: rows of the deletion set in a max step.
        teacher_weight: the paper's alpha, a above.
        label_weight: the paper's gamma, c above.
        temperature: of the softmax of student and teacher.
        batch_norm: mode of the student on the deletion set.
    """
    authors = AUTHORS[objective]
    rate = learning_rate or authors.rate * request.recipe.learning_rate
    recipe = at_rate(request.recipe, rate)
    size = forget_batch or authors.forget_batch or recipe.batch_size
    rounds = rounds or authors.rounds or rounds_of(request, recipe, 0.25)
    climbs = min(rounds, max_passes or authors.max_passes or max(1, rounds // 5))
    weight = authors.label_weight if label_weight is None else label_weight
    teacher, student = deepcopy(request.model).eval(), deepcopy(request.model)

    def loss(is_forget: bool, images: Tensor, labels: Tensor) -> Tensor:
        student.train(batch_norm == "train" or not is_forget)
        logits = logits_of(student, images, request.precision)
        away = temperature**2 * divergence(logits, teacher_logits(teacher, images, request), temperature)
        if is_forget and objective == "kurmanji":
            return -away
        towards = teacher_weight * away + weight * cross_entropy(logits, labels)
        return -towards if is_forget else towards

    print(
        f"SCRUB of {authors.paper}: {rounds} rounds, {climbs} of them with a max pass, rate {rate:g}",
        flush=True,
    )
    climbing, retained = replace(recipe, batch_size=size), per_pass(request.retain, recipe)
    ascents = [per_pass(request.forget, climbing)] * climbs + [0] * (rounds - climbs)
    paces = {"constant": held(recipe), "linear": replace(recipe, warmup=0.01, decay_span=1.25)}
    descend(
        sgd(student, recipe),
        loss,
        alternate(request, recipe, ascents, forgetting=climbing),
        paces[schedule or authors.schedule],
        steps=sum(ascents) + rounds * retained,
        epochs=rounds,
    )
    return student.eval()
