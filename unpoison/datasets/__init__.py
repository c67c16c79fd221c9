"""Sources of images: one file each, with `read(folder, image_size, *, ...)` and `peek(folder, *, ...)`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unpoison.class_names import check_class_names
from unpoison.contracts.source import Peek, Pictures, SourceImages
from unpoison.datasets._duplicates import describe_duplicates
from unpoison.errors import UserError
from unpoison.plugins import Plugins
from unpoison.resizing import STRETCHED, Resizing
from unpoison.rows import Rows, clean_rows
from unpoison.types import StoredImages

SOURCES = Plugins(__name__, "read", "source")
MakeRoom = Callable[[tuple[int, int, int, int]], StoredImages]


def room_in_memory(shape: tuple[int, int, int, int]) -> StoredImages:
    """Return an uninitialised uint8 array of that shape.

    Raises:
        UserError: for more images than fit into memory.
    """
    try:
        return np.empty(shape, np.uint8)
    except MemoryError as error:
        raise UserError(
            f"{shape[0]} images of {shape[1]} x {shape[2]} pixels do not fit into memory; lower image_size"
        ) from error


def load_source(
    name: str,
    folder: str | Path,
    image_size: int,
    options: Mapping[str, Any],
    tell: Callable[[str], object] = lambda _: None,
    *,
    resizing: Resizing = STRETCHED,
    room: MakeRoom = room_in_memory,
) -> tuple[StoredImages, Rows]:
    """Return all images of a source and the table of its rows, sorted by row id.

    The labels are those of the source. A source does not know which rows are poisoned, so `is_poisoned` is
    None.

    Args:
        tell: is called with each sentence about files that are not read and about duplicate images.
        resizing: how images of other sizes become squares of `image_size`.
        room: returns a uint8 array for all images, which are decoded into it one by one. The array is a file
            on disk if the images do not fit into memory.

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
    images = room((len(rows), image_size, image_size, 3))
    _fill(images, name, source, order, resizing)
    for sentence in (*source.notes, *describe_duplicates(images, rows)):
        tell(sentence)
    return images, rows


def _fill(
    images: StoredImages, name: str, source: SourceImages, order: np.ndarray, resizing: Resizing
) -> None:
    """Write each image of a source into the array, at the place of its row.

    Raises:
        UserError: for images of the wrong shape, and if the number of images differs from the number of rows.
    """
    size, found = images.shape[1], source.images
    if not isinstance(found, Pictures):
        if found.shape != images.shape:
            raise UserError(
                f"the source {name} gives images of the shape {found.shape}, allowed: {images.shape}"
            )
        for place, row in enumerate(order):
            images[place] = found[row]
        return
    place_of = np.argsort(order)
    count = 0
    for count, picture in enumerate(found.each(), 1):
        if count > len(images):
            break
        images[place_of[count - 1]] = np.asarray(resizing.square(picture, size))
    if count != len(images):
        raise UserError(
            f"the source {name} gives {count} images, allowed: {len(images)}, one for each row id"
        )


def peek_source(name: str, folder: str | Path, options: Mapping[str, Any]) -> Peek:
    """Return the class counts and the files of a source without reading its images.

    Raises:
        UserError: for whatever the source refuses, and for class names that cannot be told apart.
    """
    peek: Peek = SOURCES.module(name).peek(Path(folder), **options)
    check_class_names(peek.counts)
    return peek
