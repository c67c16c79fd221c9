"""I-BAU: unlearn the pattern that fools the network on all images at once, found anew each round (arXiv 2110.03735).

Zeng et al. 2022 (ICLR; implicit backdoor adversarial unlearning, Eq. 1 and 5): min over theta of max over |d| <= C of
the mean L(f(x + d), y). A universal pattern d is found by ascent; theta follows the hypergradient, which
includes the change of d with theta: dL/dtheta + (dPhi/dtheta)' v, v = (dPhi/dd)' v + dL/dd by fixed-point
steps, Phi being a step of the ascent. A repair without a deletion set: it uses the trusted rows alone.

The defaults are those of the authors' script (YiZeng623/I-BAU, defense.py), which deviates from the equation.
Each of 5 rounds is one pass of ascent (rate 10, penalty 0.001) and one pass of Adam at 0.001 with 5
fixed-point steps. Batches of 100 are the same ones in the same order in each pass, not augmented. The ascent
is against the predicted labels. The pattern is in pixels (white is 1) and is not clamped. It has no bound:
the script comments its projection out. The authors' notebooks run one round and project to a norm of 10
(`rounds: 1`, `norm: 10`). The pattern is unlearned on a hundredth of each batch, one row of 100. A batch of
fewer than 100 rows has no such row, and is plain fine-tuning. Phi is taken over the first batch and its given
labels.

BackdoorBench differs: normalised images (`space: normalised`), batches of 256 augmented anew each pass (`augmented`),
Adam at 0.0001 in its AMSGrad form (not offered). Ours, which no published code has: `patterned: 0.1`,
`ascent_labels: given`, and `map_rows: own`, Phi over the batch that is unlearned.

BatchNorm: evaluation mode throughout, as in the authors' code; running statistics are used and not changed.
float32 whatever the precision, as in the authors' code.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Generator, Tensor
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.gradients import gradients_of, trained_parameters, twice_differentiable
from unpoison.networks import Classifier
from unpoison.optimisers import Adam
from unpoison.recipes import Recipe
from unpoison.seeds import derive_seed
from unpoison.types import PositiveFloat, PositiveInt, PositiveShare

NEEDS = ("validation",)
SPACE: dict[str, Any] = {}  # not tunable: tuning would score on the rows this method trains on
ASCENT_RATE, PENALTY = 10.0, 0.001
MAP_RATE = 0.1  # rate of the ascent step Phi that the hypergradient differentiates
Batch = tuple[Tensor, Tensor]  # images (n, 3, height, width) and labels (n,)


def unlearn(
    request: Request,
    *,
    rounds: PositiveInt = 5,
    fixed_point_steps: PositiveInt = 5,
    learning_rate: PositiveFloat = 1e-3,
    batch_size: PositiveInt = 100,
    patterned: PositiveShare = 0.01,
    norm: PositiveFloat | None = None,
    space: Literal["pixels", "normalised"] = "pixels",
    ascent_labels: Literal["predicted", "given"] = "predicted",
    map_rows: Literal["first", "own"] = "first",
    augmented: bool = False,
) -> Classifier:
    """Return a copy of the poisoned network trained against universal patterns on the trusted rows.

    Args:
        rounds: number of times that a pattern is found and unlearned, each in one pass over the trusted rows.
        fixed_point_steps: the paper's K; learning_rate: of Adam.
        patterned: share of a batch, rounded down, that the pattern is added to when it is unlearned; the equation's
            is 1, the authors' code's 0.01.
        norm: bound of the pattern's Euclidean norm; None: no bound.
        space: the values that the pattern is added to: pixels from 0 to 1, or the normalised input of the
            network.
        ascent_labels: the labels of the loss that the pattern raises.
        map_rows: the rows of Phi: the `first` batch of each pass, or the batch that is unlearned (`own`).
        augmented: whether batches are drawn and augmented anew in each pass, as the recipe says.
    """
    model = deepcopy(request.model).eval()
    trusted, optimizer = request.validation, Adam(model.parameters())
    generator = Generator().manual_seed(derive_seed("patterned", request.seed))
    next_pass = passes(
        trusted, replace(request.recipe, batch_size=batch_size), request.seed, rounds, augmented
    )
    scale = model.get_buffer("scale")  # of levels from 0 to 255
    unit = 255 * scale if space == "pixels" else torch.ones_like(scale)

    def relabelled(batch: Batch) -> Batch:
        trusted.count_forward(len(batch[0]))
        return batch[0], predicted(model, batch[0])

    for _ in range(rounds):
        pattern = torch.zeros_like(model.prepared(next(trusted.unmetered().in_order(1))[0]))
        for batch in next_pass():
            pattern = climb(
                model, pattern, unit, relabelled(batch) if ascent_labels == "predicted" else batch
            )
        if norm is not None:
            pattern *= (norm / pattern.norm()).clamp(max=1)
        batches = next_pass()
        for batch in batches:
            chosen = torch.randperm(len(batch[1]), generator=generator)[: int(patterned * len(batch[1]))]
            map_batch = batches[0] if map_rows == "first" else batch
            trusted.count_backward((fixed_point_steps + 2) * len(map_batch[1]))  # besides the batch's pass
            trusted.note_curved((fixed_point_steps + 1) * len(map_batch[1]))  # all passes but the slope's
            gradients = hypergradient(
                model, pattern, unit, batch, chosen=chosen, map_batch=map_batch, steps=fixed_point_steps
            )
            optimizer.follow(gradients, learning_rate)
    return model.eval()


def passes(
    trusted: Examples, recipe: Recipe, seed: int, rounds: int, augmented: bool
) -> Callable[[], list[Batch]]:
    """Return a function that gives the batches of the next pass over the trusted rows, two passes a round."""
    if not augmented:
        return lambda: list(trusted.in_order(recipe.batch_size, backward=True))
    each = -(-len(trusted) // recipe.batch_size)
    drawn = trusted.batches(recipe, seed, steps=2 * rounds * each)
    return lambda: [next(drawn) for _ in range(each)]


@torch.no_grad()
def predicted(model: Classifier, images: Tensor) -> Tensor:
    """Return the labels (n,) that the network gives the images."""
    return model(images).argmax(1)


@contextmanager
def pattern_added(model: Classifier, pattern: Tensor) -> Iterator[None]:
    """Let the network see each image with a pattern added, in the units of its normalised input.

    Args:
        pattern: one for all images (1, 3, height, width), or one for each (n, 3, height, width).

    Raises:
        UserError: for a scripted network.
    """
    if isinstance(model.network, torch.jit.ScriptModule):
        raise UserError("ibau cannot add a pattern in front of a scripted network; give the network itself")
    handle = model.network.register_forward_pre_hook(lambda _, inputs: (inputs[0] + pattern,))
    try:
        yield
    finally:
        handle.remove()


def ascent_loss(model: Classifier, pattern: Tensor, unit: Tensor, batch: Batch) -> Tensor:
    """Return the pattern's objective, to be minimised: a penalty on its norm minus the loss on the batch.

    Args:
        unit: a step of 1 of the pattern, in the units of the network's normalised input (1, 3, 1, 1).
    """
    images, labels = batch
    with pattern_added(model, pattern * unit):
        return PENALTY * pattern.square().sum() - cross_entropy(model(images), labels)


def climb(model: Classifier, pattern: Tensor, unit: Tensor, batch: Batch) -> Tensor:
    """Return the pattern after one step of its search."""
    pattern = pattern.detach().requires_grad_()
    (slope,) = torch.autograd.grad(ascent_loss(model, pattern, unit, batch), [pattern])
    return pattern.detach() - ASCENT_RATE * slope


def hypergradient(
    model: Classifier,
    pattern: Tensor,
    unit: Tensor,
    batch: Batch,
    *,
    chosen: Tensor,
    map_batch: Batch,
    steps: int,
) -> list[Tensor]:
    """Return the gradient of the loss under the pattern, direct and through the pattern's own change.

    Args:
        batch, chosen: the rows of the loss, and the places of those that the pattern is added to.
        map_batch: the rows of Phi, the ascent step of the pattern.
    """
    pattern, parameters = pattern.detach().requires_grad_(), trained_parameters(model)
    images, labels = batch
    carries = torch.zeros(len(images), 1, 1, 1, device=pattern.device, dtype=pattern.dtype)
    carries[chosen.to(pattern.device)] = 1
    with twice_differentiable():
        with pattern_added(model, carries * pattern * unit):
            loss = cross_entropy(model(images), labels)
        inner = ascent_loss(model, pattern, unit, map_batch)
    by_pattern, *direct = gradients_of(loss, [pattern, *parameters])
    (slope,) = torch.autograd.grad(inner, [pattern], create_graph=True)
    moved = pattern - MAP_RATE * slope
    vector = torch.zeros_like(pattern)
    for _ in range(steps):
        vector = by_pattern + torch.autograd.grad(moved, [pattern], vector, retain_graph=True)[0]
    indirect = gradients_of(moved, parameters, vector)
    return [one + other for one, other in zip(direct, indirect, strict=True)]
