"""Adapt networks of other libraries to small images: the stem, the patches, and a check of the image size."""

from collections.abc import Sequence
from difflib import get_close_matches

import torch
from torch import nn

from unpoison.errors import UserError

# For each network class with a CIFAR stem (same names in torchvision and timm): the max-pool after the first
# convolution, or None.
POOLS = {
    "ConvNeXt": None,
    "DenseNet": "features.pool0",
    "EfficientNet": None,
    "GoogLeNet": "maxpool1",
    "MNASNet": None,
    "MobileNetV2": None,
    "MobileNetV3": None,
    "RegNet": None,
    "ResNet": "maxpool",
    "ShuffleNetV2": "maxpool",
}
SMALL, SMALL_PATCH = 64, 4  # pixels
# The errors by which networks refuse an image size, when they are built or evaluated.
REFUSALS = (RuntimeError, ValueError, AssertionError, ArithmeticError)


def check_name(library: str, name: str, names: Sequence[str]) -> None:
    """Raise a UserError that lists similar names when the library has no network of that name."""
    if name not in names:
        near = get_close_matches(name, names, n=5, cutoff=0.5)
        said = f"similar: {', '.join(near)}" if near else f"the list: {library}.list_models()"
        raise UserError(f"unknown network '{name}': {library} has {len(names)} and none of that name; {said}")


def small_patch(image_size: int, stem: str) -> int | None:
    """Return 4 pixels with the CIFAR stem and images of up to 64, else None: the network's own patch size."""
    return SMALL_PATCH if stem == "cifar" and image_size <= SMALL else None


def check_patch(name: str, image_size: int, patch: int) -> int:
    """Return the patch size, or raise a UserError when such patches do not fill the image."""
    if image_size % patch:
        raise UserError(
            f"patch_size of {name}: found {patch}, allowed: a divisor of the image size, which is {image_size}"
        )
    return patch


def refuse_patches(name: str, patch_size: int | None) -> None:
    """Raise a UserError when a patch size is set for a network without patches."""
    if patch_size is not None:
        raise UserError(f"patch_size: found {patch_size}, but {name} has no patches; leave it out")


def unknown_stem(model: nn.Module, name: str) -> UserError:
    """Return the error for a network that has no CIFAR stem."""
    return UserError(
        f"stem: cifar is not known for {name}, a {type(model).__name__}; allowed: stem: imagenet, or a network of "
        f"{', '.join(POOLS)}"
    )


def set_cifar_stem(model: nn.Module, name: str) -> None:
    """Give a network the stem of the CIFAR literature, in place (as in He et al. 2016, arXiv 1512.03385, section 4.2).

    The first convolution becomes 3x3 with stride 1 and keeps its channels; the max-pool after it is removed.

    Raises:
        UserError: for a family of networks whose stem is not known.
    """
    family = type(model).__name__
    if family not in POOLS:
        raise unknown_stem(model, name)
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    first.stride = (1, 1)
    if first.kernel_size != (3, 3):
        first.kernel_size, first.padding = (3, 3), (1, 1)
        first.weight = nn.Parameter(first.weight.new_empty(*first.weight.shape[:2], 3, 3))
        nn.init.kaiming_normal_(first.weight, mode="fan_out", nonlinearity="relu")
    pool = POOLS[family]
    if pool is not None:
        model.set_submodule(pool, nn.Identity())


def misfit(name: str, image_size: int, error: Exception) -> UserError:
    """Return the error for a network that refused an image size, with the reason that it gave."""
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return UserError(
        f"{name} does not take images of {image_size} pixels ({reason}); choose another image_size of the source, "
        "another patch_size or another network"
    )


@torch.no_grad()
def require_fit(model: nn.Module, name: str, classes: int, image_size: int) -> None:
    """Raise a UserError when a network does not give (n, classes) logits for images of that size.

    The network is run on one black image, in evaluation mode; no weight or statistic changes.
    """
    device = next(model.parameters()).device
    was_training = model.training
    try:
        logits = model.eval()(torch.zeros(1, 3, image_size, image_size, device=device))
    except REFUSALS as error:
        raise misfit(name, image_size, error) from error
    if not isinstance(logits, torch.Tensor) or logits.shape != (1, classes):
        raise UserError(f"{name} does not classify: it gives no logits of the shape (n, {classes})")
    model.train(was_training)
