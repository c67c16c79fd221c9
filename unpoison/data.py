"""A data set as one object: its images, the table of its rows, and the stamp of its trigger."""

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
    """Return the images unchanged: the stamp of a data set without a planted trigger."""
    return images


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Data:
    """A training set, with test images and trusted images if there are any.

    images: (n, size, size, 3) uint8, of all rows; rows: the table of all rows; stamp: the function that adds a planted
    trigger; stamp_time: whether that is before or after augmentation.
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
        """Make a data set as found: it is not known which training labels are right.

        Args:
            images: (n, size, size, 3) uint8, levels from 0 to 255; an array, a tensor or nested lists. It is copied.
            labels: (n,) integers from 0 to the number of classes - 1: the labels given to the trainer.
            class_names: a name for each class; "0", "1" and so on when left out.
            test: images and labels to evaluate models on, in the same shapes; the labels are assumed to be right.
            trusted: images and labels that are known to be clean, for detectors and repairs that need them.
            row_ids: a unique name for each training row, their positions when left out. Random draws depend on the
                names alone, so that another order of the rows changes no draw.

        Raises:
            UserError: for images that are not uint8 (n, size, size, 3), labels that do not fit the images or names, a
                single class, and row ids that are not unique or not one for each row.
        """
        # Imported late: jobs get tables of rows, so an edit of this reader must not rerun them.
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
        """Make a data set of images and their table of rows."""
        data = cls.__new__(cls)
        data._set(images, rows, stamp, stamp_time)
        return data

    @classmethod
    def from_torchvision(cls, training: Any, test: Any = None, trusted: Any = None) -> "Data":
        """Make a data set of torchvision data sets, which give PIL images and integer labels.

        Pixels are read as from files: transparency becomes white, and samples of more than 8 bits are scaled to 8.

        Args:
            training: torchvision.datasets.CIFAR10, ImageFolder and so on, without transforms to tensors.
            test, trusted: the same; their classes are matched to the training set's classes by name.

        Raises:
            UserError: for images that are not PIL images of one size, labels that are not integers, and classes that
                the training set does not have.
        """
        read = import_module("unpoison.torchvision_sets")
        names = read.classes_of(training)
        images, labels = read.arrays_of("training", training, names)
        tested = None if test is None else read.arrays_of("test", test, names)
        clean = None if trusted is None else read.arrays_of("trusted", trusted, names)
        return cls(images, labels, names, test=tested, trusted=clean)

    def __len__(self) -> int:
        """Return the number of training rows."""
        return int((self.rows.split == "train").sum())

    def __repr__(self) -> str:
        """Return one line with the number of rows of each kind."""
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
        """Return whether `unpoison.poison` planted an attack."""
        return self.stamp is not no_stamp

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.rows.class_names

    @property
    def image_size(self) -> int:
        """Return the height and width in pixels."""
        return int(self.images.shape[1])

    def examples(self, rows: Rows, device: torch.device) -> Examples:
        """Return rows as a trainer on that device sees them."""
        return examples_of(self.images, rows, self.stamp, self.stamp_time, device)
