"""Read the labels of Parquet files; the integers of each file are indices into its own class names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from unpoison.class_names import check_class_names, composed
from unpoison.datasets._parquet import File, is_text, reading
from unpoison.errors import UserError

ROWS_AT_ONCE = 1_000_000
Label = int | float | str | None


@dataclass(frozen=True)
class Labels:
    """The labels of a file: its distinct values, and for each row the position of its value."""

    file: File
    values: list[Label]
    positions: np.ndarray


def read_labels(file: File) -> Labels:
    """Return the label column of a file, as it is written.

    Raises:
        UserError: for a column that holds neither integers nor texts.
    """
    kind = file.label_type
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (
        is_text(kind) or pa.types.is_integer(plain) or pa.types.is_floating(plain) or pa.types.is_null(plain)
    ):
        raise UserError(
            f"{file.path}, column '{file.label_column}': found {kind}, allowed: one integer or text a row"
        )
    places: dict[Label, int] = {}
    parts = [np.array([], np.int64)]
    compact = [file.label_column] if is_text(kind) else None
    with reading(file.path):
        for column in file.batches(file.label_column, batch_size=ROWS_AT_ONCE, read_dictionary=compact):
            encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
            values = [_whole(value) for value in encoded.dictionary.to_pylist()] + [None]
            codes = encoded.indices.cast(pa.int64()).fill_null(len(values) - 1).to_numpy(zero_copy_only=False)
            position = np.full(len(values), -1)
            for code in np.flatnonzero(np.bincount(codes, minlength=len(values))):
                position[code] = places.setdefault(values[code], len(places))
            parts.append(position[codes])
    return Labels(file, list(places), np.concatenate(parts))


def class_names(labels: Sequence[Labels], given: Sequence[str] | None) -> tuple[str, ...]:
    """Return the classes of all files in one order.

    The order is that of `given`, or else the one that all training files name. If their orders differ or the
    labels are texts, it is alphabetical.

    Raises:
        UserError: for files that do not name their classes, or name others than `given`, and for names that
            cannot be told apart.
    """
    check_class_names(given or ())
    lists = [(part.file, names) for part in labels if (names := own_names(part)) is not None]
    for file, names in lists:
        if given is None or is_text(file.label_type):
            continue
        if list(map(composed, names)) != list(map(composed, given)):
            raise UserError(
                f"{file.path} names its classes {_shown(names)}, and class_names {_shown(given)}; "
                "leave class_names out: each file is read through its own names"
            )
    if given is None:
        for part in labels:
            if part.file.rows and own_names(part) is None:
                raise UserError(
                    f"{part.file.path} does not name its classes; give them in class_names, in the order of the labels"
                )
    check_class_names(dict.fromkeys(name for _, names in lists for name in names))
    return tuple(map(composed, given or _common_order(lists)))


def own_names(labels: Labels) -> list[str] | None:
    """Return the classes that a file itself names, in its own order; None if it has only integers.

    Raises:
        UserError: for an invalid list of names.
    """
    file = labels.file
    feature = file.features.get(file.label_column)
    names = feature.get("names") if isinstance(feature, dict) else None
    if is_text(file.label_type):
        names = sorted(value for value in labels.values if isinstance(value, str))
    elif not names:
        return None
    if not isinstance(names, list):
        raise UserError(
            f"{file.path}, column '{file.label_column}': found the names {names!r}, allowed: a list"
        )
    try:
        check_class_names(names)
    except UserError as error:
        raise UserError(f"{file.path}, column '{file.label_column}': {error}") from error
    return names


def indices(labels: Labels, classes: tuple[str, ...]) -> np.ndarray:
    """Return the position of each row's class in `classes`: (n,).

    Raises:
        UserError: for a label that is not one of the classes, with the first row that has it.
    """
    own = own_names(labels) or classes
    places = {name: place for place, name in enumerate(classes)}
    found = np.array([places.get(_name(value, own) or "", -1) for value in labels.values], np.int64)
    rows = found[labels.positions] if len(found) else labels.positions
    if (rows < 0).any():
        place = int((rows < 0).argmax())
        position = labels.positions[place]
        value, count = labels.values[position], int((labels.positions == position).sum())
        meaning = {None: ": they are missing", -1: ": -1 hides a label"}.get(value, "")
        raise UserError(
            f"{labels.file.path}, row {place}: label {value!r} is none of the classes {_shown(classes)} "
            f"({count} of {len(rows)} rows{meaning})"
        )
    return rows


def _common_order(lists: Iterable[tuple[File, list[str]]]) -> list[str]:
    training = [names for file, names in lists if file.split == "train"]
    if training and all(names == training[0] for names in training):
        return training[0]
    return sorted({name for names in training for name in names})


def _name(label: Label, names: Sequence[str]) -> str | None:
    """Return the class that a label means in its file, or None."""
    if isinstance(label, str):
        return composed(label)
    if isinstance(label, int) and 0 <= label < len(names):
        return composed(names[label])
    return None


def _whole(value: Any) -> Label:
    """Return a float without a fraction as an integer: tables with missing values store integers so."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names) or "(none)"
