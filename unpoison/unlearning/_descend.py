"""Shared code of gradient methods: logits, batches of both sets, and the loop down an objective.

They step with SGD even if the recipe trains filters by Muon. Muon's steps are as long for a small gradient as
for a large one, so it would move the weights far where hardly any change is needed.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Literal

from torch import Tensor, nn

from unpoison.contracts.request import Request
from unpoison.devices import autocast
from unpoison.examples import Examples
from unpoison.optimisers import SGD, Adam
from unpoison.recipes import Recipe
from unpoison.seeds import derive_seed
from unpoison.training import check_losses, take_step

Batches = Iterator[tuple[Tensor, Tensor]]


def at_rate(recipe: Recipe, learning_rate: float | None) -> Recipe:
    """Return the recipe with another peak rate; None keeps its own."""
    return recipe if learning_rate is None else replace(recipe, learning_rate=learning_rate)


def held(recipe: Recipe) -> Recipe:
    """Return the recipe with its rate held at the peak: no warm-up and no decay."""
    return replace(recipe, warmup=0.0, decay_span=math.inf)


def with_schedule(recipe: Recipe, schedule: Literal["constant", "recipe"]) -> Recipe:
    """Return the recipe itself, or one whose peak rate holds in every step."""
    return recipe if schedule == "recipe" else held(recipe)


def limit_of(bound: float | Literal["chance"], classes: int) -> float:
    """Return the loss that a bound stands for; `chance` is the loss of a guess, the logarithm of the number
    of classes."""
    return math.log(classes) if bound == "chance" else bound


def logits_of(model: nn.Module, images: Tensor, precision: str) -> Tensor:
    """Return the network's logits of a batch in float32, whatever precision it computes in."""
    with autocast(images.device, precision):
        return model(images).float()


def sgd(model: nn.Module, recipe: Recipe) -> SGD:
    """Return SGD over all parameters with the momentum and the weight decay of a recipe."""
    return SGD(model.parameters(), momentum=recipe.momentum, weight_decay=recipe.weight_decay)


def per_pass(examples: Examples, recipe: Recipe) -> int:
    """Return the number of batches that hold every row once."""
    return -(-len(examples) // recipe.batch_size)


def forget_batches(request: Request, recipe: Recipe, steps: int) -> Batches:
    """Return batches of the deletion set, in an order of its own."""
    return request.forget.batches(recipe, derive_seed("forget", request.seed), steps=steps)


def pairs(request: Request, recipe: Recipe, steps: int) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Yield for each step a batch of the retain set and one of the deletion set: images, labels, images,
    labels."""
    retain = request.retain.batches(recipe, request.seed, steps=steps)
    for kept, forgotten in zip(retain, forget_batches(request, recipe, steps), strict=True):
        yield *kept, *forgotten


def rounds_of(request: Request, recipe: Recipe, length: float) -> int:
    """Return the number of whole passes over the retain set, at least one, in that share of the recipe's
    steps."""
    steps = recipe.steps(len(request.retain), length)
    return max(1, round(steps / per_pass(request.retain, recipe)))


def alternate(
    request: Request, recipe: Recipe, forget_steps: Sequence[int], *, forgetting: Recipe | None = None
) -> Iterator[tuple[bool, Tensor, Tensor]]:
    """Yield in each round the given number of batches of the deletion set, then a pass over the retain set.

    Each item is whether the batch is to be forgotten, its images and its labels. The last batch is to be
    retained.

    Args:
        forget_steps: the number of batches of the deletion set in each round.
        forgetting: the recipe with the batch size of the deletion set; None is `recipe`.
    """
    each = per_pass(request.retain, recipe)
    forget = forget_batches(request, forgetting or recipe, sum(forget_steps))
    retain = request.retain.batches(recipe, request.seed, steps=each * len(forget_steps))
    for steps in forget_steps:
        for images, labels in islice(forget, steps):
            yield True, images, labels
        for images, labels in islice(retain, each):
            yield False, images, labels


def descend(
    optimizer: SGD | Adam,
    objective: Callable[..., Tensor],
    batches: Iterable[tuple[Any, ...]],
    recipe: Recipe,
    *,
    steps: int,
    epochs: int,
) -> None:
    """Take one step down the objective of each batch, at the recipe's rates, and print a line for each epoch.

    Args:
        epochs: number of equal parts that the steps are reported in.
    """
    ends = {round(steps * epoch / epochs): epoch for epoch in range(1, epochs + 1)}
    losses: Tensor | float
    losses, since, started = 0.0, 0, time.perf_counter()
    for step, batch in enumerate(batches):
        loss, rate = objective(*batch), recipe.rate(step, steps)
        take_step(optimizer, loss, rate)
        losses, since = losses + loss.detach(), since + 1
        if step + 1 in ends:
            check_losses(optimizer)
            seconds, mean = time.perf_counter() - started, float(losses) / since
            print(
                f"epoch {ends[step + 1]}/{epochs}  loss {mean:.3f}  rate {rate:.4f}  {seconds:.1f} s",
                flush=True,
            )
            losses, since, started = 0.0, 0, time.perf_counter()
