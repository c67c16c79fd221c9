"""Images named by a list: a CSV or Parquet table of paths and labels."""

from pathlib import Path

import numpy as np

from unpoison.contracts.source import Peek, SourceImages
from unpoison.datasets._decoded import pictures_of
from unpoison.datasets._lists import Entry, classes_of, read_lists

FILES = (
    "train",
    "test",
    "trusted",
    "triggered",
)  # splits, and options that are files or globs in `data_folder`


def read(
    folder: Path,
    image_size: int,
    *,
    train: str,
    test: str | None = None,
    trusted: str | None = None,
    triggered: str | None = None,
    path_column: str = "path",
    label_column: str = "label",
) -> SourceImages:
    """Read the images that the lists name.

    A row's id is its path as written. Paths are absolute, or relative to the folder of their list. Labels are integers
    or texts; the classes are those of the training lists: integers in numerical order, texts in alphabetical order.

    Args:
        train, test: a CSV or Parquet file or a glob, in `folder`.
        trusted: a file or glob of clean images that the user vouches for.
        triggered: a file or glob of test images that carry an attacker's trigger, with their TRUE labels.
        path_column, label_column: names of the two columns.

    Raises:
        UserError: for a missing list or column, a row without a path or label, a file that is missing or
            listed twice, a label that no training row has, an image that cannot be read. The message names
            the row.
    """
    entries = _entries(folder, (train, test, trusted, triggered), path_column, label_column)
    classes, labels = classes_of(entries)
    return SourceImages(
        images=pictures_of([(str(entry), entry.path) for entry in entries]),
        row_ids=[entry.written for entry in entries],
        splits=[entry.split for entry in entries],
        labels=labels,
        class_names=classes,
    )


def peek(
    folder: Path,
    *,
    train: str,
    test: str | None = None,
    trusted: str | None = None,
    triggered: str | None = None,
    path_column: str = "path",
    label_column: str = "label",
) -> Peek:
    """Return class names and counts from the lists alone."""
    entries = _entries(folder, (train, test, trusted, triggered), path_column, label_column)
    classes, labels = classes_of(entries)
    splits = np.array([entry.split for entry in entries])
    counts = {split: np.bincount(labels[splits == split], minlength=len(classes)) for split in FILES}
    by_class = {split: dict(zip(classes, counts[split].tolist(), strict=True)) for split in FILES}
    lists = dict.fromkeys(str(entry.list_file) for entry in entries)
    return Peek(
        by_class["train"],
        by_class["test"],
        (*lists, *(str(entry.path) for entry in entries)),
        by_class["trusted"],
        by_class["triggered"],
    )


def _entries(
    folder: Path, patterns: tuple[str | None, ...], path_column: str, label_column: str
) -> list[Entry]:
    named = {split: pattern for split, pattern in zip(FILES, patterns, strict=True) if pattern is not None}
    return read_lists(folder, named, path_column, label_column)
