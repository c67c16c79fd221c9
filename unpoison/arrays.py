"""Images and labels that a user hands over, as checked arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from unpoison.class_names import named_classes
from unpoison.errors import UserError, first_line
from unpoison.types import StoredImages

MOST_CLASSES = 65_535


def as_array(what: str, values: Any) -> np.ndarray:
    """Return a tensor on any device, or nested lists, as a NumPy array.

    Raises:
        UserError: for lists of uneven lengths, and for tensors of a type or layout that NumPy does not support.
    """
    try:
        return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    except ValueError as error:
        raise UserError(
            f"{what}: found {type(values).__name__} of uneven parts, allowed: one array"
        ) from error
    except (TypeError, RuntimeError) as error:  # torch: bfloat16, sparse, quantised, nested, meta
        raise UserError(
            f"{what}: found {type(values).__name__} that NumPy cannot convert ({first_line(error)})"
        ) from error


def _name_of(split: str) -> str:
    return {"train": "images", "validation": "trusted images"}.get(split, f"{split} images")


def pair_of(split: str, part: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels as arrays.

    Raises:
        UserError: for anything but two parts.
    """
    if not isinstance(part, tuple | list) or len(part) != 2:
        raise UserError(f"{_name_of(split)}: found {type(part).__name__}, allowed: a pair (images, labels)")
    return as_array(_name_of(split), part[0]), as_array(f"labels of {_name_of(split)}", part[1])


def class_names_of(labels: np.ndarray, given: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the classes; without given names, their numbers.

    Raises:
        UserError: for names that cannot be told apart, a single name, and unnamed labels above MOST_CLASSES.
    """
    if given is None:
        if labels.dtype.kind not in "iu" or not labels.size:
            return ("0",)  # refused as labels
        if labels.max() > MOST_CLASSES:
            raise UserError(f"labels: found {labels.max()}, allowed without class_names: 0 to {MOST_CLASSES}")
        return tuple(map(str, range(int(labels.max()) + 1)))
    return named_classes(given)


def checked(
    split: str, images: np.ndarray, labels: np.ndarray, names: tuple[str, ...]
) -> tuple[StoredImages, np.ndarray]:
    """Return images (n, size, size, 3) uint8 and their labels (n,) int64.

    Raises:
        UserError: for arrays of another kind or shape, and labels without a name.
    """
    what = _name_of(split)
    if images.dtype != np.uint8:
        hint = "; values from 0 to 1 become levels by (255 * images).round().astype('uint8')"
        floats = hint if images.dtype.kind == "f" else ""
        raise UserError(f"{what}: found {images.dtype}, allowed: uint8 from 0 to 255{floats}")
    if images.ndim != 4 or images.shape[3] != 3:
        hint = "; move the channels to the end" if images.ndim == 4 and images.shape[1] == 3 else ""
        raise UserError(f"{what}: found the shape {images.shape}, allowed: (n, size, size, 3){hint}")
    if images.shape[1] != images.shape[2] or not images.size:
        raise UserError(
            f"{what}: found the shape {images.shape}, allowed: one image or more, as high as wide"
        )
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        raise UserError(
            f"labels of {what}: found {labels.dtype} of the shape {labels.shape}, allowed: integers ({len(images)},)"
        )
    if labels.min() < 0 or labels.max() >= len(names):
        raise UserError(
            f"labels of {what}: found {labels.min()} to {labels.max()}, allowed: 0 to {len(names) - 1}, the classes"
        )
    return images, labels.astype(np.int64)


def checked_ids(row_ids: Sequence[str], count: int) -> list[str]:
    """Return the ids of rows as texts.

    Raises:
        UserError: for a number of ids other than the number of rows, and for equal ids.
    """
    ids = [str(row_id) for row_id in row_ids]
    if len(ids) != count or len(set(ids)) < count:
        raise UserError(
            f"row_ids: found {len(ids)}, {len(set(ids))} of them different, allowed: {count} different ones"
        )
    return ids
