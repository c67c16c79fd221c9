"""Checks of a network on one image, before any long computation."""

import warnings
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from unpoison.data import Data
from unpoison.errors import UserError, first_line
from unpoison.networks import Architecture, Classifier
from unpoison.own_network import OWN
from unpoison.steps.setting import seeded
from unpoison.training import accuracy
from unpoison.types import Images

FEW_FIXED = 0.1  # share of the weights
ONE = 1e-5  # largest distance of a sum of probabilities from 1


def try_on(model: Classifier, data: Data) -> None:
    """Refuse a network that does not give one finite logit for each class for the first image of the data."""
    parameters = list(model.parameters())
    if not any(parameter.requires_grad for parameter in parameters):
        raise UserError("the network has no weights that can be trained (none requires a gradient)")
    image = first_image(data, parameters[0].device)
    size = model.preprocessing.input_size or data.image_size
    try:
        with torch.no_grad():
            logits = model.eval().network(model.prepared(image))
    except Exception as error:  # whatever the user's code raises
        raise UserError(
            f"the network fails on an image of {size} x {size} pixels ({first_line(error)}); {_advice(model)}"
        ) from error
    if not isinstance(logits, Tensor):
        raise UserError(
            f"the network gives {type(logits).__name__}, allowed: a tensor of logits (n, classes)"
        )
    wanted = f"allowed: (1, {len(model.class_names)}), one for each class ({', '.join(model.class_names)})"
    if tuple(logits.shape) != (1, len(model.class_names)):
        raise UserError(
            f"for one image the network gives logits of the shape {tuple(logits.shape)}, {wanted}"
        )
    if not logits.is_floating_point() or not torch.isfinite(logits).all():
        raise UserError("the network's logits of the first image are not finite numbers")
    if (logits >= 0).all() and abs(float(logits.sum()) - 1) < ONE:
        raise UserError("the network gives probabilities, allowed: logits; leave its softmax out")
    model.feature_layer()


def first_image(data: Data, device: torch.device) -> Images:
    """Return the first image of the data as a batch (1, 3, size, size) on the device."""
    return torch.from_numpy(np.array(data.images[:1])).permute(0, 3, 1, 2).to(device)


def _advice(model: Classifier) -> str:
    """Return advice for a network that fails: images of its size, or weights of the type that images have."""
    kinds = {tensor.dtype for tensor in model.network.parameters() if tensor.is_floating_point()}
    if kinds <= {torch.float32}:
        return "image_size resizes images for the network"
    found = ", ".join(sorted(str(kind).removeprefix("torch.") for kind in kinds))
    return f"images are given in float32 and its weights are {found}, which module.float() changes"


def check_untrained(architecture: Architecture, data: Data) -> Classifier:
    """Return an untrained network, tried on the data; a user's code must give a new one, by its seed, at each call.

    Raises:
        UserError: for a network that does not fit the data (see `try_on`), one that shares weights with an earlier one,
            initial weights that the seed of torch does not decide, and random values that are not among the weights.
    """
    first = _untrained(architecture)
    try_on(first, data)
    if architecture.name != OWN:
        return first
    name, again, other = architecture.options[OWN], architecture.new(seed=0), architecture.new(seed=1)
    if _places(first) & _places(other):
        raise UserError(f"{name} gives networks that share weights, allowed: a new network from each call")
    weights = first.network.state_dict()
    if not _equal(weights, again.network.state_dict()):
        raise UserError(
            f"{name} gives other initial weights for the same seed; allowed: weights drawn by torch, whose generator "
            "is seeded before the call"
        )
    _warn_of_pretrained(name, first, other)
    other.network.load_state_dict(weights)
    if not torch.equal(_logits(first, data), _logits(other, data)):
        raise UserError(
            f"two networks of {name} with the same weights give other logits: a part that is drawn at random is not "
            "among the weights; allowed: parts registered as parameters or buffers, so that they are saved"
        )
    return first


def _untrained(architecture: Architecture) -> Classifier:
    """Return an untrained network, if one can be made with these options for these images."""
    try:
        return architecture.new(seed=0)
    except (RuntimeError, ValueError) as error:
        size = architecture.preprocessing.input_size or architecture.image_size
        raise UserError(
            f"the model {architecture.name} cannot be made for images of {size} x {size} pixels ({error})"
        ) from error


def _places(model: Classifier) -> set[int]:
    return {parameter.data_ptr() for parameter in model.network.parameters() if parameter.numel()}


def _equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@torch.no_grad()
def _logits(model: Classifier, data: Data) -> Tensor:
    cpu = torch.device("cpu")
    with seeded(0, cpu):
        return model.eval()(first_image(data, cpu))


def _warn_of_pretrained(name: str, one: Classifier, other: Classifier) -> None:
    """Warn of weights that no seed changes: the network seems to load pretrained ones by itself.

    Only matrices and filters count, and no constant ones such as zeros and ones. A small share is allowed: it may be
    just an embedding of positions.
    """
    others = dict(other.network.named_parameters())
    matrices = {key: weights for key, weights in one.network.named_parameters() if weights.ndim > 1}
    fixed = [
        weights.numel()
        for key, weights in matrices.items()
        if torch.equal(weights, others[key]) and weights.min() < weights.max()
    ]
    share = sum(fixed) / max(1, sum(weights.numel() for weights in matrices.values()))
    if share > FEW_FIXED:
        warnings.warn(
            f"{name} gives the same values for {share:.0%} of its weights, whatever the seed; it seems to load "
            "pretrained ones by itself, and every method that trains from scratch starts from them",
            stacklevel=3,
        )


def warn_of_strangers(model: Classifier, data: Data, precision: str) -> None:
    """Warn of given weights that do not predict the given labels of the rows, or of the planted poisons.

    Possible causes are another order of the classes, other preprocessing, and a network that was not trained on these
    rows. The shares are printed to the log.
    """
    device, rows = next(model.parameters()).device, data.rows.of("train")
    agreed = accuracy(model, data.examples(rows, device), precision)
    most = max(rows.count_by_class().values()) / len(rows)
    print(f"the given weights predict the given label of {agreed:.1%} of the training rows", flush=True)
    if agreed <= most:
        warnings.warn(
            f"the given weights predict the given label of {agreed:.1%} of the training rows, and the largest class "
            f"has {most:.1%} of them: see that the logits are in the order {', '.join(model.class_names)}, and that "
            "mean, deviation and image_size are those of their training",
            stacklevel=2,
        )
    if rows.is_poisoned is None or not rows.is_poisoned.any():
        return
    learned = accuracy(model, data.examples(rows.take(rows.is_poisoned), device), precision)
    print(f"and of {learned:.1%} of its poisoned rows", flush=True)
    if learned < agreed / 2:
        warnings.warn(
            f"the given weights predict the given label of {learned:.1%} of the poisoned rows: they seem not to be "
            "trained on them, and then there is no poison to repair",
            stacklevel=2,
        )
