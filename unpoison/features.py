"""What a network makes of images on its way to its logits."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor, nn

from unpoison.devices import autocast
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.models import finite_logits


@dataclass(frozen=True)
class Outputs:
    """For each row: its penultimate features, its logits and the label it was given."""

    features: Float64[np.ndarray, "rows channels"]
    logits: Float64[np.ndarray, "rows classes"]
    labels: np.ndarray


@torch.inference_mode()
def outputs_of(model: nn.Module, examples: Examples, precision: str) -> Outputs:
    """One forward pass over the examples, stamped and not augmented, in evaluation mode.

    Raises:
        UserError: for a network that is not a chain `model.layers`; what its last layer is given are the features.
    """
    if not isinstance(getattr(model, "layers", None), nn.Sequential):
        raise UserError(
            f"detectors look at what the last of a network's `layers` is given; {type(model).__name__} has none"
        )
    model.eval()
    batches = [images for images, _ in examples.in_order()] or [examples.images]  # of no rows: no rows
    parts = [_forward(model, images, precision) for images in batches]
    features, logits = (torch.cat(part).cpu().double().numpy() for part in zip(*parts, strict=True))
    return Outputs(features, logits, examples.labels.cpu().numpy())


def _forward(model: nn.Module, images: Tensor, precision: str) -> tuple[Tensor, Tensor]:
    layers: nn.Sequential = model.layers  # type: ignore[assignment]
    with autocast(images.device, precision):
        features = layers[:-1](images)
        logits = layers[-1](features)
    return features.flatten(1).float(), finite_logits(logits.float())
