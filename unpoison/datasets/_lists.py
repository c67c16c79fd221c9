"""Lists of images, as CSV or Parquet tables: the path and the label of each row, and the classes they name."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from unpoison.class_names import check_class_names, composed, is_blank
from unpoison.errors import UserError
from unpoison.source_files import find, refuse_shared
from unpoison.text import from_cell
from unpoison.types import Labels

INTEGER = re.compile(r"(0|[1-9][0-9]*)(\.0*)?")  # tables with missing values write integers as floats


@dataclass(frozen=True)
class Entry:
    """One row of a list of images.

    place: position in the list, from 0; written: the image's path as it is written; path: that file; label:
    as text.
    """

    split: str
    list_file: Path
    place: int
    written: str
    path: Path
    label: str

    def __str__(self) -> str:
        return f"{self.list_file}, row {self.place} ('{self.written}')"


def read_lists(folder: Path, patterns: Mapping[str, str], path_column: str, label_column: str) -> list[Entry]:
    """Return the rows of the lists of all splits, in the order of the lists.

    Raises:
        UserError: for a list that is missing or cannot be read, a missing column, a row without a path or
            label, an image that is missing or listed twice, and training lists without a row.
    """
    lists = {split: find(folder, pattern) for split, pattern in patterns.items()}
    refuse_shared(lists, within=True)
    entries = [
        entry
        for split, files in lists.items()
        for file in files
        for entry in _entries(split, file, path_column, label_column)
    ]
    first: dict[str, Entry] = {}
    for entry in entries:
        other = first.setdefault(entry.written, entry)
        if other is not entry:
            raise UserError(
                f"{entry}: this path is also that of {other.list_file}, row {other.place}; allowed: each path once"
            )
    if not any(entry.split == "train" for entry in entries):
        raise UserError(f"{lists['train'][0]} and the other training lists hold no row")
    refuse_shared({split: _paths(entries, split) for split in patterns}, within=True)
    return entries


def classes_of(entries: Iterable[Entry]) -> tuple[tuple[str, ...], Labels]:
    """Return the classes of the training rows, and the label (n,) of each row as its position among them.

    Integers are sorted by value, texts alphabetically.

    Raises:
        UserError: for a label that no training row has, and for names that cannot be told apart.
    """
    entries = list(entries)
    told = {entry.label for entry in entries if entry.split == "train"}
    are_integers = all(INTEGER.fullmatch(entry.label) for entry in entries)
    names = [_name(entry.label, is_integer=are_integers) for entry in entries]
    known = {name for entry, name in zip(entries, names, strict=True) if entry.split == "train"}
    if not are_integers:
        check_class_names(told)
    classes = tuple(sorted(known, key=int if are_integers else None))
    places = {name: place for place, name in enumerate(classes)}
    for entry, name in zip(entries, names, strict=True):
        if name not in places:
            raise UserError(
                f"{entry}: label '{entry.label}' is none of the training labels {', '.join(classes)}"
            )
    return classes, np.array([places[name] for name in names], np.int64)


def _paths(entries: Iterable[Entry], split: str) -> list[Path]:
    return [entry.path for entry in entries if entry.split == split]


def _name(label: str, *, is_integer: bool) -> str:
    return label.split(".", maxsplit=1)[0] if is_integer else composed(label)


def _entries(split: str, file: Path, path_column: str, label_column: str) -> list[Entry]:
    paths, labels = _columns(file, (path_column, label_column))
    entries = []
    for place, (path, label) in enumerate(zip(paths, labels, strict=True)):
        where = f"{file}, row {place}"
        if not path or not path.isprintable() or is_blank(path):
            raise UserError(f"{where}: found the path {path!r}, allowed: printable text")
        if not label or is_blank(label):
            raise UserError(f"{where} ('{path}'): found no label, allowed: an integer from 0 on or a text")
        if re.fullmatch(r"-[0-9]+(\.0*)?", label):
            raise UserError(
                f"{where} ('{path}'): found the label {label}, allowed: an integer from 0 on or a text"
            )
        image = file.parent / path
        if path.startswith("'") and not os.path.isfile(image):  # noqa: PTH113
            # Our own tables mark text that a spreadsheet would run as a formula.
            path = from_cell(path)  # noqa: PLW2901
            image = file.parent / path
        if not os.path.isfile(image):  # noqa: PTH113 (is_file raises where a name is too long)
            raise UserError(
                f"{where}: no such file: {image} (paths are relative to the list's folder, or absolute)"
            )
        entries.append(Entry(split, file, place, path, image, label))
    return entries


def _columns(file: Path, names: tuple[str, str]) -> list[list[str | None]]:
    """Return columns of a list as texts."""
    is_parquet = file.suffix.lower() == ".parquet"
    try:
        there = pq.read_schema(file).names if is_parquet else _header(file)
        for name in names:
            if there.count(name) != 1:
                raise UserError(f"{file} needs one column '{name}'; its columns are {', '.join(there)}")
        if is_parquet:
            table = pq.read_table(file, columns=list(names))
        else:
            # 007 is a name and not the number 7.
            types = dict.fromkeys(names, pa.string())
            options = csv.ConvertOptions(column_types=types, include_columns=list(names))
            table = csv.read_csv(file, convert_options=options)
        return [table[name].cast(pa.string()).to_pylist() for name in names]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"{file} is not a readable {'Parquet' if is_parquet else 'CSV'} file ({reason})"
        ) from error


def _header(file: Path) -> list[str]:
    with csv.open_csv(file) as reader:
        return reader.schema.names
