"""Importances of weights for rows (sizes of gradients), and the damping of weights by the ratio of two
importances.

Gradients are taken in evaluation mode and float32, as in the published code.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.gradients import gradients_of, trained_parameters
from unpoison.recipes import Recipe
from unpoison.seeds import derive_seed

MICROBATCH = 32  # images whose gradients are in GPU memory at once: 0.8 GB at width 64


@dataclass(frozen=True)
class Measure:
    """The loss that is differentiated, and the measure of a gradient's size."""

    loss: Callable[[Tensor, Tensor], Tensor]
    size: Callable[[Tensor], Tensor]


def squared_norm(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean squared L2 norm of the outputs; it needs no label."""
    return logits.square().sum(1).mean()


def norm(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean L2 norm of the outputs; it needs no label."""
    return logits.norm(dim=1).mean()


FISHER = Measure(cross_entropy, torch.square)  # the diagonal of the empirical Fisher information
LABEL_FREE = Measure(squared_norm, torch.abs)
OUTLIER_RESISTANT = Measure(norm, torch.abs)


@dataclass(frozen=True)
class Passes:
    """The settings of the passes that importances are computed in.

    importance: `batch`: the size of each batch's mean gradient, averaged over batches; `sample`: the size of
    each image's own gradient, averaged over images.
    batch_size: rows of a batch of `batch`; the last batch holds the rest and counts as much as the others.
    against: the rows that the deletion set is compared with. `all`: the retained rows, then the deletion set,
    so that it fills batches of its own; `mixed`: both, shuffled together; `retain`: the retained rows alone.
    augment: whether images are cropped and flipped as in the recipe.
    sample: number of rows, drawn by the request's seed, that represent those of `against`; None is all.
    """

    importance: Literal["batch", "sample"]
    batch_size: int
    against: Literal["all", "mixed", "retain"]
    augment: bool
    sample: int | None

    @property
    def size(self) -> int:
        """Number of images whose gradients are averaged before the size is taken."""
        return self.batch_size if self.importance == "batch" else 1

    def order(self, count: int, generator: Generator) -> Tensor:
        """Return the positions of rows, shuffled; in order for `sample`, so that no seed affects the
        rounding."""
        return torch.arange(count) if self.size == 1 else torch.randperm(count, generator=generator)


def importances(request: Request, measure: Measure, passes: Passes) -> tuple[list[Tensor], list[Tensor]]:
    """Return the importance of each parameter for the deletion set, and for the rows compared with it.

    Raises:
        UserError: if no row is left to compare with.
    """
    generator = torch.Generator().manual_seed(derive_seed("importance", request.seed))
    forget, retain = (
        part.take(passes.order(len(part), generator)) for part in (request.forget, request.retain)
    )
    compared = retain if passes.against == "retain" else retain + forget
    if not len(compared):
        raise UserError(
            "against: retain found no retained row to compare with; allowed: against: all or mixed"
        )
    if passes.sample is not None:
        drawn = torch.randperm(len(compared), generator=generator)[: passes.sample]
        compared = compared.take(drawn.sort().values)
    if passes.against == "mixed":
        compared = compared.take(passes.order(len(compared), generator))
    model, augmented = deepcopy(request.model).eval(), request.recipe if passes.augment else None
    own, others = (
        mean_sizes(model, part, measure, passes.size, augmented=augmented, seed=request.seed)
        for part in (forget, compared)
    )
    return own, others


def mean_sizes(
    model: nn.Module,
    examples: Examples,
    measure: Measure,
    batch_size: int = 1,
    *,
    augmented: Recipe | None = None,
    seed: int = 0,
) -> list[Tensor]:
    """Return for each parameter the mean over batches of the size of a batch's gradient.

    Args:
        batch_size: 1 is image by image.
        augmented: the recipe that crops and flips images, with the seed; None leaves them as they are.
    """
    totals, count = [torch.zeros_like(parameter) for parameter in trained_parameters(model)], 0
    for gradients in gradients_by_batch(
        model, examples, measure.loss, batch_size, augmented=augmented, seed=seed
    ):
        for total, gradient in zip(totals, gradients, strict=True):
            total.add_(measure.size(gradient).sum(0))
        count += len(gradients[0])
    return [total / count for total in totals]


def gradients_by_batch(
    model: nn.Module,
    examples: Examples,
    loss: Callable[[Tensor, Tensor], Tensor],
    batch_size: int,
    *,
    augmented: Recipe | None,
    seed: int,
) -> Iterator[list[Tensor]]:
    """Yield gradients (batches, *parameter) of one batch after another; on a GPU of many images at once."""
    if batch_size == 1 and examples.device.type == "cuda":
        for images, labels in batches_of(examples, MICROBATCH, augmented, seed):
            examples.note_each(len(images))
            yield gradients_of_each(model, images, labels, loss)
        return
    # On a CPU one image after another is as fast (3.8 ms against 4.3 at width 16, 20 against 32 at width 64), and
    # torch.func's first use imports torch's compiler: 2 seconds.
    parameters = trained_parameters(model)
    for images, labels in batches_of(examples, batch_size, augmented, seed):
        if batch_size == 1:
            examples.note_each(1)
        yield [gradient[None] for gradient in gradients_of(loss(model(images), labels), parameters)]


def batches_of(
    examples: Examples, batch_size: int, augmented: Recipe | None, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches of every row once, in order, as they are or cropped and flipped by a recipe."""
    if augmented is None:
        yield from examples.in_order(batch_size, backward=True)
        return
    recipe = replace(augmented, batch_size=batch_size)
    for number, places in enumerate(torch.arange(len(examples)).split(batch_size)):
        yield from examples.take(places).batches(recipe, derive_seed(f"importance {number}", seed), steps=1)


def gradients_of_each(
    model: nn.Module, images: Tensor, labels: Tensor, loss: Callable[[Tensor, Tensor], Tensor]
) -> list[Tensor]:
    """Return the gradients (images, *parameter) of images that pass a network together, in eval mode."""
    named = [(name, weights) for name, weights in model.named_parameters() if weights.requires_grad]
    names, parameters = zip(*named, strict=True)

    def loss_of_one(weights: tuple[Tensor, ...], image: Tensor, label: Tensor) -> Tensor:
        given = dict(zip(names, weights, strict=True))
        return loss(functional_call(model, given, (image[None],)), label[None])

    weights = tuple(parameter.detach() for parameter in parameters)
    return list(vmap(grad(loss_of_one), in_dims=(None, 0, 0))(weights, images, labels))


@torch.no_grad()
def dampen(
    model: nn.Module, own: list[Tensor], others: list[Tensor], *, selection: float, dampening: float
) -> None:
    """Multiply weights with I_own > selection x I_others by min(dampening x I_others / I_own, 1)."""
    for weights, high, base in zip(trained_parameters(model), own, others, strict=True):
        chosen = high > selection * base  # strictly above: 0 / 0 is never computed
        weights[chosen] *= (dampening * base[chosen] / high[chosen]).clamp(max=1)


def ratios(own: list[Tensor], others: list[Tensor]) -> Tensor:
    """Return the finite I_own / I_others of all weights, ascending; weights with I_others = 0 have none."""
    found = torch.cat([(high / base).flatten() for high, base in zip(own, others, strict=True)])
    return found[found.isfinite()].sort().values


def selection_of(ascending: Tensor, share: float) -> float:
    """Return the quantile 1 - share of ascending ratios, interpolated linearly as by numpy.percentile."""
    place = (1 - share) * (len(ascending) - 1)
    low = int(place)
    high = min(low + 1, len(ascending) - 1)
    return float(torch.lerp(ascending[low], ascending[high], place - low))


def threshold(own: list[Tensor], others: list[Tensor], selection: float | None, share: float | None) -> float:
    """Return the ratio above which weights are damped: the selection, or the ratio that a share of all
    weights exceeds.

    Raises:
        UserError: if both are given, or neither.
    """
    if selection is not None and share is None:
        return selection
    if share is not None and selection is None:
        return selection_of(ratios(own, others), share)
    raise UserError(f"found selection={selection} and share={share}; allowed: one of them")
