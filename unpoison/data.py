"""A data set as one thing: its images, what is known of each row, and how its trigger is stamped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unpoison.errors import UserError
from unpoison.examples import Examples, examples_of
from unpoison.pixels import Stamp, StampTime
from unpoison.rows import NONE, Rows, clean_rows, joined
from unpoison.types import StoredImages

Labelled = tuple[Any, Any]  # images and labels


def no_stamp(images: Tensor, trigger_ids: Tensor) -> Tensor:
    """The images as they are: those of a data set that nobody planted a trigger in."""
    return images


@dataclass(frozen=True, init=False)
class Data:
    """A training set, with test images and trusted images where there are some.

    images: (n, height, width, 3) uint8, of all rows; rows: what each of them is; stamp, stamp_time: how a planted
    attack puts its trigger on, and whether that is before or after augmentation.
    """

    images: StoredImages
    rows: Rows
    stamp: Stamp
    stamp_time: StampTime

    def __init__(
        self,
        images: Any,
        labels: Any,
        class_names: Sequence[str] | None = None,
        *,
        test: Labelled | None = None,
        trusted: Labelled | None = None,
        row_ids: Sequence[str] | None = None,
    ) -> None:
        """A data set as it was found: which of its labels are right is not known.

        Args:
            images: uint8 (n, height, width, 3), an array of NumPy's or anything that becomes one.
            labels: (n,) integers from 0 to the number of classes - 1: what the trainer is told.
            class_names: a name for each class; "0", "1" and so on when left out.
            test: images and labels that models are measured by; the labels are taken to be right.
            trusted: images and labels that are known to be clean, for detectors and repairs that need them.
            row_ids: a unique name for each training row, by which everything random is drawn: with them, another order
                of the rows changes no draw. Their places when left out.

        Raises:
            UserError: for images that are no uint8 (n, height, width, 3), and labels that fit neither images nor names.
        """
        given = {"train": (images, labels), "test": test, "validation": trusted}
        parts = {split: part for split, part in given.items() if part is not None}
        names = _class_names(labels, class_names)
        arrays = {split: _checked(split, *part, names) for split, part in parts.items()}
        sizes = {found.shape[1:] for found, _ in arrays.values()}
        if len(sizes) > 1:
            raise UserError(f"all images must have one size; found {', '.join(map(str, sorted(sizes)))}")
        ids = {
            split: [f"{split}/{place:07}" for place in range(len(found[1]))]
            for split, found in arrays.items()
        }
        if row_ids is not None:
            ids["train"] = _checked_ids(row_ids, len(arrays["train"][1]))
        tables = [
            clean_rows(ids[split], [split] * len(found), found, names) for split, (_, found) in arrays.items()
        ]
        rows = joined(tables)
        is_suspect = rows.split == "train"
        rows = replace(
            rows,
            image=np.arange(len(rows)),
            label=np.where(is_suspect, NONE, rows.label),
            is_poisoned=None,
        )
        self._set(
            np.concatenate([found for found, _ in arrays.values()]), rows, no_stamp, "after_augmentation"
        )

    def _set(self, images: StoredImages, rows: Rows, stamp: Stamp, stamp_time: StampTime) -> None:
        for name, value in (("images", images), ("rows", rows), ("stamp", stamp), ("stamp_time", stamp_time)):
            object.__setattr__(self, name, value)

    @classmethod
    def of_rows(
        cls,
        images: StoredImages,
        rows: Rows,
        stamp: Stamp = no_stamp,
        stamp_time: StampTime = "after_augmentation",
    ) -> "Data":
        """Images with a table of rows that says which of them are what."""
        data = cls.__new__(cls)
        data._set(images, rows, stamp, stamp_time)
        return data

    @classmethod
    def from_torchvision(cls, training: Any, test: Any = None, trusted: Any = None) -> "Data":
        """The images of data sets of torchvision, which give PIL images and integer labels.

        Args:
            training, test, trusted: torchvision.datasets.CIFAR10, ImageFolder and so on, without transforms to tensors.

        Raises:
            UserError: for images that are no PIL images of one size.
        """
        names = getattr(training, "classes", None)
        others = {
            name: _from_torchvision(part)
            for name, part in (("test", test), ("trusted", trusted))
            if part is not None
        }
        images, labels = _from_torchvision(training)
        return cls(images, labels, None if names is None else [str(name) for name in names], **others)

    def __len__(self) -> int:
        """The number of training rows."""
        return int((self.rows.split == "train").sum())

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.rows.class_names

    @property
    def image_size(self) -> int:
        """Height and width in pixels."""
        return int(self.images.shape[1])

    def examples(self, rows: Rows, device: torch.device) -> Examples:
        """Rows as a trainer on that device sees them."""
        return examples_of(self.images, rows, self.stamp, self.stamp_time, device)


def _class_names(labels: Any, given: Sequence[str] | None) -> tuple[str, ...]:
    if given is None:
        return tuple(map(str, range(int(np.max(labels, initial=0)) + 1)))
    if isinstance(given, str) or len(set(given)) < len(given) or len(given) < 2:
        raise UserError(f"class_names: found {given!r}, allowed: two names or more, each once")
    return tuple(given)


def _checked(split: str, images: Any, labels: Any, names: tuple[str, ...]) -> tuple[StoredImages, np.ndarray]:
    """Images and labels as arrays, checked."""
    what = {"train": "images", "validation": "trusted images"}.get(split, f"{split} images")
    images, labels = np.asarray(images), np.asarray(labels)
    if images.dtype != np.uint8:
        hint = "; values from 0 to 1 become levels by (255 * images).round().astype('uint8')"
        floats = hint if images.dtype.kind == "f" else ""
        raise UserError(f"{what}: found {images.dtype}, allowed: uint8 from 0 to 255{floats}")
    if images.ndim != 4 or images.shape[3] != 3:
        hint = "; move the channels to the end" if images.ndim == 4 and images.shape[1] == 3 else ""
        raise UserError(f"{what}: found the shape {images.shape}, allowed: (n, height, width, 3){hint}")
    if images.shape[1] != images.shape[2] or not len(images):
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


def _checked_ids(row_ids: Sequence[str], count: int) -> list[str]:
    ids = [str(row_id) for row_id in row_ids]
    if len(ids) != count or len(set(ids)) < count:
        raise UserError(
            f"row_ids: found {len(ids)}, {len(set(ids))} of them different, allowed: {count} different ones"
        )
    return ids


def _from_torchvision(dataset: Any) -> Labelled:
    images = []
    labels = []
    for image, label in _pairs(dataset):
        images.append(np.asarray(image.convert("RGB")))
        labels.append(int(label))
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        raise UserError(
            f"all images must have one size; found {len(shapes)} sizes: resize them by a transform"
        )
    return np.stack(images), np.array(labels)


def _pairs(dataset: Any) -> Iterator[tuple[Any, Any]]:
    for place in range(len(dataset)):
        image, label = dataset[place]
        if not hasattr(image, "convert"):
            raise UserError(
                f"a data set of torchvision must give PIL images; found {type(image).__name__}: leave ToTensor out"
            )
        yield image, label
