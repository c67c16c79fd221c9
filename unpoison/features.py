"""The features and logits of images, and the layer whose input is the features."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from unpoison.devices import autocast
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.networks import Classifier, finite_logits
from unpoison.outputs import Outputs, no_features
from unpoison.types import Pixels


@torch.inference_mode()
def outputs_of(model: Classifier, examples: Examples, precision: str) -> Outputs:
    """Return the outputs of one forward pass over the examples, stamped and not augmented, in evaluation mode.

    Features are the input of the network's last linear layer, or of the layer that `model.features` names. A network
    that does not end on a linear layer and names none has logits alone.

    Raises:
        UserError: for a named layer that does not exist or does not run, and for logits that are not finite.
    """
    model.eval()
    no_rows = torch.zeros((1, *examples.image_shape), dtype=torch.uint8, device=examples.device)
    head = _head(model, no_rows)
    found: list[np.ndarray] = []
    done = 0
    for images, _ in examples.in_order():
        parts = _forward(model, head, images, precision)
        # Allocated at once: the features are the largest array, and joining a list of parts would copy it.
        found = found or [np.empty((len(examples), part.shape[1])) for part in parts]
        for whole, part in zip(found, parts, strict=True):
            whole[done : done + len(part)] = part.cpu().double().numpy()
        done += len(images)
    if not found:  # without rows: empty arrays
        found = [part[:0].cpu().double().numpy() for part in _forward(model, head, no_rows, precision)]
    logits, *features = found
    return Outputs(features[0] if features else None, logits, examples.labels.cpu().numpy())


def head_of(model: Classifier, images: Pixels) -> nn.Module:
    """Return the layer whose input is the features: the one that `model.features` names, or the last linear one to run.

    Args:
        images: one image or more of the size of the network's input.

    Raises:
        UserError: for a name that the network does not have, and for a network without a linear layer at its end.
    """
    head = _head(model, images)
    if head is None:
        raise no_features(len(model.class_names))
    return head


def _head(model: Classifier, images: Pixels) -> nn.Module | None:
    """Return the layer whose input is the features, None if the network does not end on a linear layer."""
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
    ends_on_one = seen and seen[-1].out_features == len(model.class_names)
    return seen[-1] if ends_on_one else None


def classifier_of(model: Classifier, examples: Examples) -> nn.Linear:
    """Return the last layer, which must be linear.

    Raises:
        UserError: for a network with another last layer.
    """
    head = head_of(model, next(images for images, _ in examples.unmetered().in_order(1)))
    if not isinstance(head, nn.Linear):
        raise UserError(f"the method needs a network whose last layer is linear; found {type(head).__name__}")
    return head


@contextmanager
def inputs_of(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the inputs of a layer while the network runs: one tensor for each pass."""
    read: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, inputs: read.extend(inputs[:1]))
    try:
        yield read
    finally:
        hook.remove()


def _forward(model: Classifier, head: nn.Module | None, images: Tensor, precision: str) -> tuple[Tensor, ...]:
    """Return the logits of a batch, and its features if there are any."""
    if head is None:
        with autocast(images.device, precision):
            return (finite_logits(model(images).float()),)
    with inputs_of(head) as read, autocast(images.device, precision):
        logits = model(images)
    features = features_in(read, len(images)).float()
    return finite_logits(logits.float()), features


def try_features(model: Classifier, images: Pixels) -> None:
    """Refuse a network whose named feature layer gives no features for a batch of images.

    Raises:
        UserError: for a layer that does not run, or whose input has no row for each image.
    """
    if model.features is not None:
        with torch.no_grad(), inputs_of(head_of(model, images)) as read:
            model(images)
        features_in(read, len(images))


def features_in(read: list[Tensor], count: int) -> Tensor:
    """Return the features (n, channels) from the inputs of a layer while the network ran on n images.

    Raises:
        UserError: for a layer that does not run, and an input without a row for each image.
    """
    if not read:
        raise UserError(
            "features: the layer does not run while the network does, or is given its input by keyword; allowed: one "
            "that is given the features by position"
        )
    if not isinstance(read[-1], Tensor) or read[-1].ndim < 2 or len(read[-1]) != count:
        found = tuple(read[-1].shape) if isinstance(read[-1], Tensor) else type(read[-1]).__name__
        raise UserError(
            f"features: for {count} images the layer gets {found}, allowed: a tensor ({count}, channels, ...)"
        )
    return read[-1].flatten(1)
