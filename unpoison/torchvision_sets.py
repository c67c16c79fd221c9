"""Data sets of torchvision as arrays: images as displayed, labels matched by class name."""

from collections.abc import Iterator, Sequence
from operator import index
from typing import Any

import numpy as np

from unpoison.errors import UserError
from unpoison.pixel_levels import Loaded, to_rgb
from unpoison.types import Labels, StoredImages


def classes_of(dataset: Any) -> tuple[str, ...] | None:
    """Return the names of a data set's classes, for a `Subset` those of the whole; None if it names none."""
    names = getattr(dataset, "classes", None)
    if isinstance(names, list | tuple):
        return tuple(map(str, names))
    return classes_of(dataset.dataset) if hasattr(dataset, "dataset") else None


def arrays_of(what: str, dataset: Any, names: Sequence[str] | None) -> tuple[StoredImages, Labels]:
    """Return the images (n, height, width, 3) and labels (n,) of a data set.

    Args:
        what: the name of the data set in errors.
        names: the classes that labels index, matched by name if the data set names its own; None: labels are kept.

    Raises:
        UserError: for anything but PIL images of one size with a class each, and for a class not in names.
    """
    images, labels = [], []
    for image, label in _pairs(what, dataset):
        images.append(_pixels(what, image))
        labels.append(_label(what, label))
    shapes = {image.shape for image in images}
    if not shapes:
        raise UserError(f"{what}: a data set of torchvision is empty; allowed: one image or more")
    if len(shapes) > 1:
        raise UserError(
            f"{what}: all images must have one size; found {len(shapes)} sizes: resize them by a transform"
        )
    return np.stack(images), _renumbered(what, np.array(labels), classes_of(dataset), names)


def _pairs(what: str, dataset: Any) -> Iterator[tuple[Any, Any]]:
    try:
        count = len(dataset)
    except TypeError as error:
        raise UserError(
            f"{what}: found {type(dataset).__name__}, allowed: a data set of torchvision, with a length"
        ) from error
    for place in range(count):
        pair = dataset[place]
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise UserError(f"{what}: found {type(pair).__name__}, allowed: pairs of an image and a label")
        yield pair[0], pair[1]


def _pixels(what: str, image: Any) -> np.ndarray:
    if not hasattr(image, "convert"):
        raise UserError(
            f"{what}: a data set of torchvision must give PIL images; found {type(image).__name__}: leave ToTensor out"
        )
    try:
        return np.asarray(to_rgb(Loaded(image)))
    except ValueError as error:
        raise UserError(f"{what}: an image cannot be read ({error})") from error


def _label(what: str, label: Any) -> int:
    try:
        return index(label)
    except (TypeError, ValueError) as error:
        raise UserError(f"{what}: found the label {label!r}, allowed: an integer, the class") from error


def _renumbered(what: str, labels: Labels, own: Sequence[str] | None, names: Sequence[str] | None) -> Labels:
    """Return labels that index `names`: two folders number classes differently if one of them lacks a class."""
    if own is None or names is None or own == names:
        return labels
    if labels.min() < 0 or labels.max() >= len(own):
        raise UserError(f"{what}: found the labels {labels.min()} to {labels.max()} of {len(own)} classes")
    unknown = [own[label] for label in np.unique(labels) if own[label] not in names]
    if unknown:
        raise UserError(
            f"{what}: found the class {unknown[0]}, allowed: those of the training set, {', '.join(names)}"
        )
    places = np.array([names.index(name) if name in names else -1 for name in own])
    return places[labels]
