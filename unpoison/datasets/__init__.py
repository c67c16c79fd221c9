"""Sources of images: one file each, with `read(folder, image_size, *, ...)` and `peek(folder, *, ...)`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unpoison.class_names import check_class_names
from unpoison.contracts.source import Peek
from unpoison.datasets._duplicates import describe_duplicates
from unpoison.errors import UserError
from unpoison.plugins import Plugins
from unpoison.rows import Rows, clean_rows
from unpoison.types import StoredImages

SOURCES = Plugins(__name__, "read", "source")


def load_source(
    name: str,
    folder: str | Path,
    image_size: int,
    options: Mapping[str, Any],
    tell: Callable[[str], object] = lambda _: None,
) -> tuple[StoredImages, Rows]:
    """All images of a source and the table of its rows, in the order of their ids and of nothing else.

    Labels are what the source says; which rows are poisoned it cannot know.

    Args:
        tell: is called with each sentence about what is not read, and about images that are there twice.

    Raises:
        UserError: for whatever the source refuses, and for class names that cannot be told apart.
    """
    source = SOURCES[name](Path(folder), image_size, **options)
    check_class_names(source.class_names)
    if len(set(source.row_ids)) < len(source.row_ids):
        raise UserError(f"the source {name} gives two images one row id; allowed: one id for each")
    order = np.argsort(np.array(source.row_ids, dtype=object), kind="stable")
    rows = clean_rows(
        [source.row_ids[index] for index in order],
        [source.splits[index] for index in order],
        source.labels[order],
        source.class_names,
    )
    rows = replace(rows, is_poisoned=None)
    images = np.ascontiguousarray(source.images[order])
    for sentence in (*source.notes, *describe_duplicates(images, rows)):
        tell(sentence)
    return images, rows


def peek_source(name: str, folder: str | Path, options: Mapping[str, Any]) -> Peek:
    """Return the class counts and the files of a source without reading its images.

    Raises:
        UserError: for whatever the source refuses, and for class names that cannot be told apart.
    """
    peek: Peek = SOURCES.module(name).peek(Path(folder), **options)
    check_class_names(peek.counts)
    return peek
