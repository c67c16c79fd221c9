"""A data set as one thing: its images, what is known of each row, and how its trigger is stamped."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from unpoison.errors import UserError
from unpoison.examples import Examples, examples_of
from unpoison.pixels import Stamp, StampTime
from unpoison.rows import NONE, Rows, clean_rows, joined
from unpoison.types import Labels, StoredImages

Tested = tuple[UInt8[np.ndarray, "tested height width 3"], Int64[Any, " tested"]]
Trusted = tuple[UInt8[np.ndarray, "trusted height width 3"], Int64[Any, " trusted"]]


def no_stamp(images: Tensor, trigger_ids: Tensor) -> Tensor:
    """The images as they are: those of a data set that nobody planted a trigger in."""
    return images


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Data:
    """A training set, with test images and trusted images where there are some.

    images: (n, size, size, 3) uint8, of all rows; rows: what each of them is; stamp, stamp_time: how a planted
    attack puts its trigger on, and whether that is before or after augmentation.
    """

    images: StoredImages
    rows: Rows
    stamp: Stamp
    stamp_time: StampTime

    def __init__(
        self,
        images: StoredImages,
        labels: Labels,
        class_names: Sequence[str] | None = None,
        *,
        test: Tested | None = None,
        trusted: Trusted | None = None,
        row_ids: Sequence[str] | None = None,
    ) -> None:
        """A data set as it was found: which of its labels are right is not known.

        Args:
            images: (n, size, size, 3) uint8, levels from 0 to 255; an array, a tensor or nested lists. It is copied.
            labels: (n,) integers from 0 to the number of classes - 1: what the trainer is told.
            class_names: a name for each class; "0", "1" and so on when left out.
            test: images and labels, shaped alike, that models are measured by; the labels are taken to be right.
            trusted: images and labels that are known to be clean, for detectors and repairs that need them.
            row_ids: a unique name for each training row, by which everything random is drawn: with them, another order
                of the rows changes no draw. Their places when left out.

        Raises:
            UserError: for images that are no uint8 (n, size, size, 3), labels that fit neither images nor names, a
                single class, and row ids that are not one for each row.
        """
        # Late: a job is given rows, and no edit of how a user's arrays are read reruns it.
        read = import_module("unpoison.arrays")
        given = {"train": (images, labels), "test": test, "validation": trusted}
        parts = {split: read.pair_of(split, part) for split, part in given.items() if part is not None}
        names = read.class_names_of(parts["train"][1], class_names)
        arrays = {split: read.checked(split, *part, names) for split, part in parts.items()}
        there = np.unique(arrays["train"][1])
        if len(there) < 2:
            raise UserError(f"labels: found the class {names[there[0]]} alone, allowed: two classes or more")
        sizes = {found.shape[1:] for found, _ in arrays.values()}
        if len(sizes) > 1:
            raise UserError(f"all images must have one size; found {', '.join(map(str, sorted(sizes)))}")
        ids = {
            split: [f"{split}/{place:07}" for place in range(len(found[1]))]
            for split, found in arrays.items()
        }
        if row_ids is not None:
            ids["train"] = read.checked_ids(row_ids, len(arrays["train"][1]))
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

        Pixels are read as in files: transparency is white, and deep samples are scaled to 8 bits.

        Args:
            training: torchvision.datasets.CIFAR10, ImageFolder and so on, without transforms to tensors.
            test, trusted: the same; their labels are those of the training set's classes of the same names.

        Raises:
            UserError: for images that are no PIL images of one size, labels that are no integers, and classes that the
                training set does not have.
        """
        read = import_module("unpoison.torchvision_sets")
        names = read.classes_of(training)
        images, labels = read.arrays_of("training", training, names)
        tested = None if test is None else read.arrays_of("test", test, names)
        clean = None if trusted is None else read.arrays_of("trusted", trusted, names)
        return cls(images, labels, names, test=tested, trusted=clean)

    def __len__(self) -> int:
        """The number of training rows."""
        return int((self.rows.split == "train").sum())

    def __repr__(self) -> str:
        """Say how many rows there are of each kind, in one line."""
        named = {"validation": "trusted"}
        kinds = [
            f"{(self.rows.split == split).sum()} {named.get(split, split)}"
            for split in dict.fromkeys(self.rows.split)
        ]
        size, planted = self.image_size, ", an attack planted" if self.is_planted else ""
        return (
            f"Data({', '.join(kinds)} rows, {size} x {size} pixels, {len(self.class_names)} classes{planted})"
        )

    @property
    def is_planted(self) -> bool:
        """Whether `unpoison.poison` planted an attack."""
        return self.stamp is not no_stamp

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
