"""A network tried on one image before anything long is computed."""

import warnings

import numpy as np
import torch
from torch import Tensor

from unpoison.data import Data
from unpoison.errors import UserError, first_line
from unpoison.networks import Architecture, Classifier


def try_on(model: Classifier, data: Data) -> None:
    """Refuse a network that does not give one finite logit for each class for the first image of the data."""
    device = next(model.parameters()).device
    image = torch.from_numpy(np.array(data.images[:1])).permute(0, 3, 1, 2).to(device)
    size = model.preprocessing.input_size or data.image_size
    try:
        with torch.no_grad():
            logits = model.eval()(image)
    except Exception as error:  # whatever the user's code raises
        raise UserError(
            f"the network fails on an image of {size} x {size} pixels ({first_line(error)}); image_size resizes "
            "images for the network"
        ) from error
    wanted = f"allowed: (1, {len(model.class_names)}), one for each class ({', '.join(model.class_names)})"
    if not isinstance(logits, Tensor):
        raise UserError(
            f"the network gives {type(logits).__name__}, allowed: a tensor of logits (n, classes)"
        )
    if tuple(logits.shape) != (1, len(model.class_names)):
        raise UserError(
            f"for one image the network gives logits of the shape {tuple(logits.shape)}, {wanted}"
        )
    if not logits.is_floating_point() or not torch.isfinite(logits).all():
        raise UserError("the network's logits of the first image are not finite numbers")
    model.feature_layer()


def warn_of_pretrained(architecture: Architecture) -> None:
    """Warn of a user's own network whose weights no seed changes: it seems to load pretrained ones by itself."""
    one, other = (architecture.new(seed).network.state_dict() for seed in (0, 1))
    matrices = [name for name, tensor in one.items() if tensor.ndim > 1]
    if matrices and all(torch.equal(one[name], other[name]) for name in matrices):
        warnings.warn(
            f"{architecture.options.get('python')} gives the same weights for every seed; it seems to load pretrained "
            "ones by itself, and every method that trains from scratch starts from them",
            stacklevel=2,
        )
