"""The features and logits of images, and the layer whose input the features are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor, nn

from unpoison.devices import autocast
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.networks import Classifier, finite_logits
from unpoison.types import Pixels


@dataclass(frozen=True)
class Outputs:
    """For each row: its features, its logits and the label it was given."""

    features: Float64[np.ndarray, "rows channels"]
    logits: Float64[np.ndarray, "rows classes"]
    labels: np.ndarray


@torch.inference_mode()
def outputs_of(model: Classifier, examples: Examples, precision: str) -> Outputs:
    """One forward pass over the examples, stamped and not augmented, in evaluation mode.

    Features are the input of the network's last linear layer, or of the layer that `model.features` names.

    Raises:
        UserError: for a network without such a layer, and logits that are not finite.
    """
    model.eval()
    no_rows = torch.zeros((1, *examples.image_shape), dtype=torch.uint8, device=examples.device)
    head = head_of(model, no_rows)
    batches: Iterator[Tensor] = (images for images, _ in examples.in_order())
    parts = [_forward(model, head, images, precision) for images in batches]
    # Of no rows: no rows.
    parts = parts or [tuple(part[:0] for part in _forward(model, head, no_rows, precision))]  # type: ignore[list-item]
    features, logits = (torch.cat(part).cpu().double().numpy() for part in zip(*parts, strict=True))
    return Outputs(features, logits, examples.labels.cpu().numpy())


def head_of(model: Classifier, images: Pixels) -> nn.Module:
    """The layer whose input the features are: the one that `model.features` names, or the last linear one that runs.

    Args:
        images: one image or more of the size that the network is used with.

    Raises:
        UserError: for a name that the network does not have, and for a network without a linear layer at its end.
    """
    named = model.feature_layer()
    if named is not None:
        return named
    seen: list[nn.Linear] = []
    hooks = [
        layer.register_forward_hook(lambda layer, *_: seen.append(layer))
        for layer in model.network.modules()
        if isinstance(layer, nn.Linear)
    ]
    training = model.training
    try:
        with torch.no_grad():
            model.eval()(images[:1])
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    if not seen or seen[-1].out_features != len(model.class_names):
        raise UserError(
            f"{type(model.network).__name__} does not end on a linear layer with an output for each of the "
            f"{len(model.class_names)} classes; name the layer whose input the features are by features: <name>"
        )
    return seen[-1]


def classifier_of(model: Classifier, examples: Examples) -> nn.Linear:
    """The last linear layer, of networks whose features it reads one by one.

    Raises:
        UserError: for a network that ends on something else.
    """
    head = head_of(model, next(images for images, _ in examples.unmetered().in_order(1)))
    if not isinstance(head, nn.Linear):
        raise UserError(f"the method needs a network whose last layer is linear; found {type(head).__name__}")
    return head


@contextmanager
def inputs_of(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what a layer is given while the network runs: a tensor for each pass."""
    read: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, inputs: read.extend(inputs[:1]))
    try:
        yield read
    finally:
        hook.remove()


def _forward(model: Classifier, head: nn.Module, images: Tensor, precision: str) -> tuple[Tensor, Tensor]:
    with inputs_of(head) as read, autocast(images.device, precision):
        logits = model(images)
    return features_in(read, len(images)).float(), finite_logits(logits.float())


def try_features(model: Classifier, images: Pixels) -> None:
    """Refuse a network whose features cannot be had of a batch of images, where it names their layer.

    Raises:
        UserError: for a layer that does not run, or is not given a row for each image.
    """
    if model.features is not None:
        with torch.no_grad(), inputs_of(head_of(model, images)) as read:
            model(images)
        features_in(read, len(images))


def features_in(read: list[Tensor], count: int) -> Tensor:
    """The features (n, channels) in what a layer was given while the network ran on n images.

    Raises:
        UserError: for a layer that does not run, and an input without a part for each image.
    """
    if not read:
        raise UserError(
            "features: the layer does not run while the network does, or is given its input by keyword; allowed: one "
            "that is given the features by position"
        )
    if not isinstance(read[-1], Tensor) or read[-1].ndim < 2 or len(read[-1]) != count:
        found = tuple(read[-1].shape) if isinstance(read[-1], Tensor) else type(read[-1]).__name__
        raise UserError(
            f"features: of {count} images the layer is given {found}, allowed: a tensor ({count}, channels, ...)"
        )
    return read[-1].flatten(1)
