"""Image changes that several poisons share, and checks of their options."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from unpoison.errors import UserError
from unpoison.types import Images

CORNERS = ("top_left", "top_right", "bottom_left", "bottom_right")


def change(images: Images, where: Any, formula: Callable[[Any], Any]) -> Images:
    """Replace the images chosen by the mask with the result of an integer formula, in place, and return all
    images.

    Integers give the same pixels in NumPy, on a CPU and on a GPU. The formula is computed for all images:
    selecting those of a mask would force a GPU synchronisation.
    """
    return put(images, where, formula(images))


def put(images: Any, where: Any, changed: Any) -> Any:
    """Replace the images chosen by the mask with others or one value, in place, and return all images."""
    mask = where.reshape(-1, 1, 1, 1)
    if isinstance(images, np.ndarray):
        np.copyto(images, changed, where=mask, casting="unsafe")
    else:
        images.copy_(import_module("torch").where(mask, changed, images))
    return images


def as_kind_of(images: Images, constant: np.ndarray) -> Any:
    """Return a constant in the type of the images: a NumPy array, or a tensor on their device."""
    if isinstance(images, np.ndarray):
        return constant
    tensor = import_module("torch").from_numpy(constant)
    return import_module("unpoison.devices").to_device(tensor, images.device)


def stamp_patch(images: Images, where: Any, corner: str, size: int, value: int) -> Images:
    """Set a corner square of `size` pixels to `value` in the images chosen by the mask, in place; return all
    images."""
    height, width = images.shape[2:]
    down = slice(0, size) if corner.startswith("top") else slice(height - size, height)
    across = slice(0, size) if corner.endswith("left") else slice(width - size, width)
    put(images[:, :, down, across], where, value)
    return images


def check_patch(image_size: int, corner: str, size: int, value: int) -> None:
    """Refuse a patch that cannot be stamped."""
    if corner not in CORNERS:
        raise UserError(f"unknown corner '{corner}'; choose from {', '.join(CORNERS)}")
    if not 1 <= size <= image_size:
        raise UserError(
            f"the patch is {size} pixels wide; it must be 1 to {image_size}, the size of the images"
        )
    if not 0 <= value <= 255:
        raise UserError(f"the patch has value {value}; a pixel is 0 to 255")


def check_count(wanted: int, there: int, what: str) -> None:
    """Refuse to poison more images than there are."""
    if wanted > there:
        raise UserError(f"cannot poison {wanted} {what}: there are {there}")
