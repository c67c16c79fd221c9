"""Any classification network of torchvision by name, untrained (https://pytorch.org/vision/stable/models.html).

Differences from torchvision: with `stem: cifar` the first layers are made for small images, and VGG
classifies the mean of its features over the image in place of a 7x7 grid; Inception and GoogLeNet have no
auxiliary heads.
"""

from typing import Any, Literal

import torch
from torch import nn
from torchvision import models

from unpoison.models._stem import (
    check_name,
    check_patch,
    misfit,
    refuse_patches,
    require_fit,
    set_cifar_stem,
    small_patch,
)
from unpoison.types import PositiveInt

SWIN_PATCH = 4  # pixels
VGG_CHANNELS, VGG_HIDDEN = 512, 4096  # of its last features, and of its first linear layer


def network(
    classes: int,
    image_size: int,
    *,
    name: str,
    stem: Literal["cifar", "imagenet"] = "cifar",
    patch_size: PositiveInt | None = None,
) -> nn.Module:
    """Return an untrained network of torchvision.

    It takes normalised float images (n, 3, image_size, image_size) and gives logits (n, classes).

    Args:
        classes: number of logits.
        image_size: height and width in pixels.
        name: as in `torchvision.models.list_models(module=torchvision.models)`.
        stem: `cifar` for images of about 32 pixels, `imagenet` as in torchvision.
        patch_size: of ViT and Swin, in pixels; by default 4 with the CIFAR stem and images of up to 64 pixels.

    Raises:
        UserError: for a name that torchvision lacks, a network without such a stem or patches, or an image
            size that the network does not take.
    """
    check_name("torchvision.models", name, models.list_models(module=models))
    if name.startswith("vit_"):
        model: nn.Module = _vision_transformer(name, classes, image_size, patch_size, stem)
    else:
        model = _listed(name, classes, image_size)
        if isinstance(model, models.SwinTransformer):
            _set_patches(model, check_patch(name, image_size, patch_size or SWIN_PATCH))
        else:
            refuse_patches(name, patch_size)
            if stem == "cifar":
                _set_small_stem(model, name)
    require_fit(model, name, classes, image_size)
    return model


def _listed(name: str, classes: int, image_size: int) -> nn.Module:
    """Return the network as torchvision builds it."""
    options: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):
        options = {"aux_logits": False, "init_weights": True}
    elif name.startswith("maxvit"):
        options = {"input_size": (image_size, image_size)}
    try:
        return models.get_model(name, weights=None, num_classes=classes, **options)
    except ValueError as error:  # MaxViT, whose windows must fill the image
        raise misfit(name, image_size, error) from error


def _vision_transformer(
    name: str, classes: int, image_size: int, patch_size: int | None, stem: str
) -> models.VisionTransformer:
    """Return a ViT for this image and patch size: torchvision's own builders fix the patches."""
    with torch.device("meta"):
        own = models.get_model(name, weights=None)
    patch = check_patch(name, image_size, patch_size or small_patch(image_size, stem) or own.patch_size)
    layers = own.encoder.layers
    return models.VisionTransformer(
        image_size=image_size,
        patch_size=patch,
        num_layers=len(layers),
        num_heads=layers[0].num_heads,
        hidden_dim=own.hidden_dim,
        mlp_dim=own.mlp_dim,
        num_classes=classes,
    )


def _set_patches(model: models.SwinTransformer, patch: int) -> None:
    """Replace the first convolution, which makes the patches."""
    embedding: nn.Sequential = model.features[0]
    own: nn.Conv2d = embedding[0]  # type: ignore[assignment]
    if own.kernel_size != (patch, patch):
        embedding[0] = nn.Conv2d(own.in_channels, own.out_channels, patch, patch)


def _set_small_stem(model: nn.Module, name: str) -> None:
    """Set the CIFAR stem; VGG, whose first layers are small already, gets a head for small images."""
    if not isinstance(model, models.VGG):
        set_cifar_stem(model, name)
        return
    # Its adaptive pool would repeat the one value of a 32-pixel image 49 times, and raises in training on CUDA.
    model.avgpool = nn.AdaptiveAvgPool2d(1)
    hidden = nn.Linear(VGG_CHANNELS, VGG_HIDDEN)
    nn.init.normal_(hidden.weight, 0, 0.01)
    nn.init.zeros_(hidden.bias)
    model.classifier[0] = hidden
