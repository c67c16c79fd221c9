"""The last layers of a network trained alone, as in EU-k and CF-k (Goel et al. 2024, arXiv 2402.14015)."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from unpoison.contracts.request import Request
from unpoison.devices import autocast
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.networks import Classifier
from unpoison.recipes import Recipe
from unpoison.training import train


def cut_before(model: Classifier, last: int) -> int:
    """Return the index in the network's `layers` of the first of `last` layers with filters or weight
    matrices.

    All layers of a residual block count, and a block is never split. The ResNet-9 can be cut before its last
    1, 2, 4, 5, 7, 8 and 9 layers (9 is all of it); the published 2 and 4 are among them.

    Raises:
        UserError: for a network without `layers` in a row, or one that cannot be cut there.
    """
    layers = getattr(model.network, "layers", None)
    if not isinstance(layers, nn.Sequential):
        raise UserError(
            f"last: {last} needs a network that is a Sequential called layers; {type(model.network).__name__} has none"
        )
    places, behind = {}, 0
    for place in reversed(range(len(layers))):
        if weighted := sum(weights.ndim > 1 for weights in layers[place].parameters()):
            behind += weighted
            places[behind] = place
    places[behind] = 0  # all layers, with those that have no weights
    if last not in places:
        raise UserError(f"last: found {last}, allowed for this network: {', '.join(map(str, places))} layers")
    return places[last]


def train_last(model: Classifier, cut: int, request: Request, recipe: Recipe, length: float) -> None:
    """Train the layers from `cut` on, in place, on the retain set; those before it stay as they are, in eval mode."""
    layers: nn.Sequential = model.network.layers  # type: ignore[assignment]
    frozen = layers[:cut].eval()

    def features_of(images: Tensor) -> Tensor:
        return frozen(model.prepared(images))

    behind = Behind(features_of, request.retain, request.precision)
    if not any(weights.ndim == 4 for weights in layers[cut:].parameters()):
        recipe = replace(recipe, filter_rate=None)  # no filter is left that Muon would train
    train(layers[cut:], behind, recipe, request.seed, precision=request.precision, length=length)


class Behind:
    """Rows as inputs of the trained layers: the features of the frozen layers in place of images."""

    def __init__(self, frozen: Callable[[Tensor], Tensor], examples: Examples, precision: str) -> None:
        self._frozen, self._examples, self._precision = frozen, examples, precision

    def __len__(self) -> int:
        return len(self._examples)

    def batches(self, recipe: Recipe, seed: int, *, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of the examples, in the same order, as features."""
        if recipe.augments:
            print(
                "frozen layers: computed anew for each batch, as crops and mirror images change their output"
            )
            for images, labels in self._examples.batches(recipe, seed, steps=steps):
                yield self._features(images), labels
            return
        features = torch.cat([self._features(images) for images, _ in self._examples.in_order()])
        print(f"frozen layers: computed once, {features.nbytes / 1e6:.0f} MB kept")
        for _, rows in self._examples.numbered().batches(recipe, seed, steps=steps):
            yield features[rows], self._examples.labels[rows]

    @torch.no_grad()
    def _features(self, images: Tensor) -> Tensor:
        with autocast(images.device, self._precision):
            return self._frozen(images)
