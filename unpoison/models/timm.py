"""Any network of timm by name, untrained (Wightman 2019, https://github.com/huggingface/pytorch-image-models).

Difference from timm: with `stem: cifar` the first layers are made for small images. Names of pretrained
weights (`resnet18.a1_in1k`) are refused: nothing is downloaded. The library is installed by `pip install
unpoison[timm]`.
"""

from inspect import signature
from typing import Any, Literal

import torch
from torch import nn

from unpoison.extras import missing_library
from unpoison.models._stem import (
    POOLS,
    REFUSALS,
    SMALL_PATCH,
    check_name,
    check_patch,
    misfit,
    refuse_patches,
    require_fit,
    set_cifar_stem,
    small_patch,
    unknown_stem,
)
from unpoison.types import PositiveInt

try:
    import timm
except ModuleNotFoundError as error:
    raise missing_library("timm") from error

LIBRARY = "timm"


def network(
    classes: int,
    image_size: int,
    *,
    name: str,
    stem: Literal["cifar", "imagenet"] = "cifar",
    patch_size: PositiveInt | None = None,
) -> nn.Module:
    """Return an untrained network of timm.

    It takes normalised float images (n, 3, image_size, image_size) and gives logits (n, classes).

    Args:
        classes: number of logits.
        image_size: height and width in pixels.
        name: as in `timm.list_models()`.
        stem: `cifar` for images of about 32 pixels, `imagenet` as in timm.
        patch_size: of transformers and others with patches, in pixels; by default 4 with the CIFAR stem and
            images of up to 64 pixels.

    Raises:
        UserError: for a name that timm lacks, a network without such a stem or patches, or an image size that
            the network does not take.
    """
    check_name("timm", name, timm.list_models())
    with torch.device("meta"):
        own = timm.create_model(name, pretrained=False)
    options: dict[str, Any] = {"img_size": image_size} if _takes(own, name, "img_size", image_size) else {}
    has_patches = type(own).__name__ not in POOLS and _takes(own, name, "patch_size", SMALL_PATCH)
    if has_patches:
        if patch := patch_size or small_patch(image_size, stem):
            options["patch_size"] = check_patch(name, image_size, patch)
    else:
        refuse_patches(name, patch_size)
    try:
        model = timm.create_model(name, pretrained=False, num_classes=classes, **options)
    except REFUSALS as error:
        raise misfit(name, image_size, error) from error
    if stem == "cifar" and not has_patches:
        set_cifar_stem(model, name)
    elif stem == "cifar" and _is_hybrid(model):
        raise unknown_stem(model, name)
    require_fit(model, name, classes, image_size)
    return model


def _takes(own: nn.Module, name: str, option: str, value: int) -> bool:
    """Return whether a network's class has an argument of that name, and its builder lets others set it."""
    kinds = [kind for kind in type(own).__mro__ if issubclass(kind, nn.Module) and kind is not nn.Module]
    if not any(option in signature(kind.__init__).parameters for kind in kinds):
        return False
    options: dict[str, Any] = {option: value}
    try:
        with torch.device("meta"):
            timm.create_model(name, pretrained=False, **options)
    except TypeError:  # the builder sets it
        return False
    except REFUSALS:  # the value does not fit; the error is raised later, when the network is built
        pass
    return True


def _is_hybrid(model: nn.Module) -> bool:
    """Return whether convolutions shrink the image before it is cut into patches."""
    first = next((module for module in model.modules() if isinstance(module, nn.Conv2d)), None)
    return first is not None and first.stride != first.kernel_size
