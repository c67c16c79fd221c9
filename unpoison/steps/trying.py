"""A network tried on one image before anything long is computed."""

import warnings

import numpy as np
import torch

from unpoison.data import Data
from unpoison.errors import UserError, first_line
from unpoison.features import features_in, head_of, inputs_of
from unpoison.networks import Architecture, Classifier

ONE = 1e-5  # how close to 1 a sum of probabilities is


def try_on(model: Classifier, data: Data) -> None:
    """Refuse a network that does not give one finite logit for each class for the first image of the data."""
    parameters = list(model.parameters())
    if not any(parameter.requires_grad for parameter in parameters):
        raise UserError("the network has no weights that can be trained (none requires a gradient)")
    device = parameters[0].device
    image = torch.from_numpy(np.array(data.images[:1])).permute(0, 3, 1, 2).to(device)
    size = model.preprocessing.input_size or data.image_size
    try:
        with torch.no_grad():
            logits = model.eval()(image)
    except UserError:
        raise
    except Exception as error:  # whatever the user's code raises
        raise UserError(
            f"the network fails on an image of {size} x {size} pixels ({first_line(error)}); {_advice(model)}"
        ) from error
    wanted = f"allowed: (1, {len(model.class_names)}), one for each class ({', '.join(model.class_names)})"
    if tuple(logits.shape) != (1, len(model.class_names)):
        raise UserError(
            f"for one image the network gives logits of the shape {tuple(logits.shape)}, {wanted}"
        )
    if not logits.is_floating_point() or not torch.isfinite(logits).all():
        raise UserError("the network's logits of the first image are not finite numbers")
    if (logits >= 0).all() and abs(float(logits.sum()) - 1) < ONE:
        raise UserError("the network gives probabilities, allowed: logits; leave its softmax out")
    if model.features is not None:
        with torch.no_grad(), inputs_of(head_of(model, image)) as read:
            model(image)
        features_in(read, 1)


def _advice(model: Classifier) -> str:
    """What may help a network that fails: images of its size, or weights of the type that images have."""
    kinds = {tensor.dtype for tensor in model.network.parameters() if tensor.is_floating_point()}
    if kinds <= {torch.float32}:
        return "image_size resizes images for the network"
    found = ", ".join(sorted(str(kind).removeprefix("torch.") for kind in kinds))
    return f"images are given in float32 and its weights are {found}, which module.float() changes"


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
