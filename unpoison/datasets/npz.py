"""Images and labels as arrays in `.npz` files, the usual form of MNIST and similar data sets."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from unpoison.class_names import check_class_names
from unpoison.contracts.source import Peek, Pictures, SourceImages
from unpoison.datasets._npz import Stored, open_splits
from unpoison.errors import UserError
from unpoison.types import Labels

FILES = ("train", "test", "trusted", "triggered")  # splits, and options that are files in `data_folder`


def read(
    folder: Path,
    image_size: int,
    *,
    train: str,
    test: str | None = None,
    trusted: str | None = None,
    triggered: str | None = None,
    class_names: list[str] | None = None,
) -> SourceImages:
    """Read arrays of images and labels.

    Their names are `x_train` and `y_train`, `train_images` and `train_labels`, or `images` and `labels`.
    A row's id is its split and its position in the array, such as `train/0000017`. Images are grey (n,
    height, width) or in colour, channels last or first. Levels are integers from 0 to 255, or floats from 0
    to 1.

    Args:
        train: a file in `folder`; test arrays in it are used as test images if `test` is left out.
        test: a file with test images. trusted: a file with clean images that the user vouches for.
        triggered: a file with test images that carry an attacker's trigger, with their TRUE labels.
        class_names: names of the labels 0, 1 and so on; default: the labels of the training rows themselves.

    Raises:
        UserError: for a missing or damaged array, labels that are not integers, unequal lengths, levels out
            of range, an ambiguous shape, and a label that no training row has.
    """
    parts, notes = open_splits(folder, dict(zip(FILES, (train, test, trusted, triggered), strict=True)))
    classes, labels = _classes(parts, class_names)
    return SourceImages(
        images=Pictures(sum(map(len, labels)), lambda: _pictures(parts)),
        row_ids=[f"{part.split}/{place:07}" for part in parts for place in range(len(part.labels))],
        splits=[part.split for part in parts for _ in part.labels],
        labels=np.concatenate(labels),
        class_names=classes,
        notes=tuple(notes),
    )


def peek(
    folder: Path,
    *,
    train: str,
    test: str | None = None,
    trusted: str | None = None,
    triggered: str | None = None,
    class_names: list[str] | None = None,
) -> Peek:
    """Return class names and counts from the arrays of labels, and the shapes of the images."""
    parts, _ = open_splits(folder, dict(zip(FILES, (train, test, trusted, triggered), strict=True)))
    classes, labels = _classes(parts, class_names)
    counts = {split: dict.fromkeys(classes, 0) for split in FILES}
    for part, found in zip(parts, labels, strict=True):
        counts[part.split] = dict(
            zip(classes, np.bincount(found, minlength=len(classes)).tolist(), strict=True)
        )
    files = dict.fromkeys(str(part.path) for part in parts)
    return Peek(counts["train"], counts["test"], tuple(files), counts["trusted"], counts["triggered"])


def _classes(parts: list[Stored], given: list[str] | None) -> tuple[tuple[str, ...], list[Labels]]:
    """Return the names of the classes, and each part's labels as positions among them."""
    told = np.unique(np.concatenate([part.labels for part in parts if part.split == "train"]))
    if given is not None:
        check_class_names(given)
        told = np.arange(len(given))
    places = []
    for part in parts:
        unknown = np.flatnonzero(~np.isin(part.labels, told))
        if len(unknown):
            what = "the training labels" if given is None else "the places of class_names"
            raise UserError(
                f"{part}, row {unknown[0]}: label {part.labels[unknown[0]]} is none of {what} "
                f"{', '.join(map(str, told[:20]))}"
            )
        places.append(np.searchsorted(told, part.labels).astype(np.int64))
    return tuple(given or map(str, told.tolist())), places


def _pictures(parts: list[Stored]) -> Iterator[Image.Image]:
    for part in parts:
        for image in part.images():
            yield Image.fromarray(image).convert("RGB")
