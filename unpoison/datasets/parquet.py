"""Images in Parquet files in the column layout of the Hugging Face hub."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from unpoison.contracts.source import Peek, Pictures, SourceImages
from unpoison.datasets._images import decode, unique_ids
from unpoison.datasets._labels import class_names as named_classes
from unpoison.datasets._labels import indices, read_labels
from unpoison.datasets._parquet import File, is_image, open_files, reading
from unpoison.digests import digest
from unpoison.errors import UserError

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
    image_column: str | None = None,
    label_column: str | None = None,
    class_names: list[str] | None = None,
) -> SourceImages:
    """Read images and labels from the Parquet files of the training, test, trusted and triggered splits.

    A row's id is the path of its image if the file has a printable path for every row, and otherwise a digest
    of the image's bytes. So neither the order of the files nor that of their rows matters. Integer labels are
    indices into the class names of their own file.

    Args:
        train, test: a file or a glob, in `folder`.
        trusted: a file or glob of clean images that the user vouches for.
        triggered: a file or glob of test images that carry an attacker's trigger, with their TRUE labels.
        image_column: a column of structs of bytes and path, or of plain bytes; default: the only such column.
        label_column: a column of integers or texts; default: 'label', 'labels' or 'fine_label'.
        class_names: names of the integer labels, if the files do not name them.

    Raises:
        UserError: for a missing file or column, labels without names, an image that cannot be read.
    """
    patterns = _splits(train, test, trusted, triggered)
    files = open_files(folder, patterns, image_column, label_column)
    classes, labels = _labels(files, class_names)
    row_ids: list[str] = []
    digests: list[str] = []
    for file in files:
        names, of_file = _names(file)
        digests += of_file
        row_ids += _row_ids(file, names, of_file)
    of_row = np.concatenate(labels)
    return SourceImages(
        images=Pictures(len(row_ids), lambda: _pictures(files)),
        row_ids=_numbered(row_ids, digests, of_row),
        splits=[file.split for file in files for _ in range(file.rows)],
        labels=of_row,
        class_names=classes,
    )


def peek(
    folder: Path,
    *,
    train: str,
    test: str | None = None,
    trusted: str | None = None,
    triggered: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    class_names: list[str] | None = None,
) -> Peek:
    """Return class names and counts from the label columns alone."""
    patterns = _splits(train, test, trusted, triggered)
    files = open_files(folder, patterns, image_column, label_column)
    classes, labels = _labels(files, class_names)
    counts = {split: np.zeros(len(classes), dtype=int) for split in FILES}
    for file, found in zip(files, labels, strict=True):
        counts[file.split] += np.bincount(found, minlength=len(classes))
    by_class = {split: dict(zip(classes, counts[split].tolist(), strict=True)) for split in FILES}
    return Peek(
        by_class["train"],
        by_class["test"],
        tuple(str(file.path) for file in files),
        by_class["trusted"],
        by_class["triggered"],
    )


def may_hold_images(path: Path) -> bool:
    """Return whether a Parquet file has a column of a type for images, and so is more than a list of their
    paths.

    Raises:
        UserError: for a file that cannot be read.
    """
    with reading(path):
        return any(map(is_image, pq.read_schema(path).types))


def _splits(*patterns: str | None) -> dict[str, str]:
    return {split: pattern for split, pattern in zip(FILES, patterns, strict=True) if pattern is not None}


def _labels(files: list[File], given: list[str] | None) -> tuple[tuple[str, ...], list[np.ndarray]]:
    """Return the classes of all files, and each file's labels as positions among them."""
    labels = [read_labels(file) for file in files]
    if not any(file.rows for file in files if file.split == "train"):
        raise UserError(f"{files[0].path} and the other training files hold no row")
    classes = named_classes(labels, given)
    return classes, [indices(part, classes) for part in labels]


def _names(file: File) -> tuple[list[str | None], list[str]]:
    """Return the names and the digests of a file's images, without decoding the images.

    Raises:
        UserError: if the file holds more or fewer images than its footer counts.
    """
    names: list[str | None] = []
    digests: list[str] = []
    for data, name in _images(file):
        names.append(name)
        digests.append(digest(data))
    if len(names) != file.rows:
        raise UserError(f"{file.path} is damaged: its footer counts {file.rows} rows, found {len(names)}")
    return names, digests


def _pictures(files: list[File]) -> Iterator[Image.Image]:
    for file in files:
        for place, (data, name) in enumerate(_images(file)):
            yield decode(data, name or f"{file.path.name}, row {place}")


def _images(file: File) -> Iterator[tuple[bytes, str | None]]:
    """Yield the bytes of each image, and its path if the file has one."""
    place = 0
    with reading(file.path):
        for column in file.batches(file.image_column):
            for entry in column.to_pylist():
                data = entry.get("bytes") if isinstance(entry, dict) else entry
                name = entry.get("path") if isinstance(entry, dict) else None
                if data is None:
                    only = f", only its path {name!r}; the images' bytes must be in the file" if name else ""
                    raise UserError(f"{file.path}, row {place}: there is no image{only}")
                yield data, name if isinstance(name, str) and name.isprintable() and name.strip() else None
                place += 1


def _row_ids(file: File, names: list[str | None], digests: list[str]) -> list[str]:
    chosen = digests if None in names else names
    return [
        str(name) if str(name).startswith(f"{file.split}/") else f"{file.split}/{name}" for name in chosen
    ]


def _numbered(row_ids: list[str], digests: list[str], labels: np.ndarray) -> list[str]:
    """Return unique ids; images that share an id are numbered in an order that does not depend on the files'
    rows."""
    order = sorted(range(len(row_ids)), key=lambda row: (row_ids[row], digests[row], labels[row]))
    numbered = [""] * len(row_ids)
    for row, row_id in zip(order, unique_ids([row_ids[row] for row in order]), strict=True):
        numbered[row] = row_id
    return numbered
