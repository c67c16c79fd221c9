"""Images in Parquet files in the column layout of the Hugging Face hub."""

import json
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unpoison.datasets._images import decode, unique_ids
from unpoison.datasets._source import Peek, SourceImages
from unpoison.errors import UserError


def read(
    folder: Path,
    image_size: int,
    *,
    train: str,
    test: str,
    image_column: str | None = None,
    label_column: str | None = None,
    class_names: list[str] | None = None,
) -> SourceImages:
    """Read images and labels from the Parquet files of a training and a test split.

    A row's id is its image's path where the file names one for every row, and a digest of the image's
    bytes otherwise, so that neither the order of the files nor of their rows matters.

    Args:
        train, test: a file or a glob, in `folder`.
        image_column: struct of bytes and path, or plain bytes; the first column that is one, when left out.
        label_column: integers or strings; 'label', 'fine_label' or 'labels', when left out.
        class_names: names of the integer labels, when the file's metadata does not have them.

    Raises:
        UserError: for a missing file or column, labels without names, an image that cannot be read.
    """
    splits = {"train": train, "test": test}
    names = _class_names(folder, train, label_column, class_names)
    images: list[np.ndarray] = []
    row_ids: list[str] = []
    digests: list[str] = []
    labels: list[int] = []
    of_split: list[str] = []
    for split, pattern in splits.items():
        for path in find(folder, pattern):
            table = _read_table(path)
            column = image_column or _image_column(path, table.schema)
            for place, (data, path_of_image) in enumerate(_images(path, table, column)):
                digests.append(blake2b(data, digest_size=8).hexdigest())
                images.append(decode(data, path_of_image or f"{path.name}, row {place}", image_size))
                name = path_of_image or digests[-1]
                row_ids.append(name if name.startswith(f"{split}/") else f"{split}/{name}")
            labels += _labels(path, table, label_column, names)
            of_split += [split] * len(table)
    if not labels:
        raise UserError(f"{folder / train} and {folder / test} hold no row")
    # Images that share an id are numbered in an order of their own, not in that of the files' rows.
    order = sorted(range(len(labels)), key=lambda row: (row_ids[row], digests[row], labels[row]))
    return SourceImages(
        images=np.stack([images[row] for row in order]),
        row_ids=unique_ids([row_ids[row] for row in order]),
        splits=[of_split[row] for row in order],
        labels=np.array(labels)[order],
        class_names=tuple(names),
    )


def peek(
    folder: Path,
    *,
    train: str,
    test: str,
    image_column: str | None = None,
    label_column: str | None = None,
    class_names: list[str] | None = None,
) -> Peek:
    """Class names and counts from the label column alone."""
    paths = [*find(folder, train), *find(folder, test)]
    names = _class_names(folder, train, label_column, class_names)
    counts = np.zeros(len(names), dtype=int)
    for path in find(folder, train):
        column = _label_column(path, _schema(path), label_column)
        table = _read_table(path, [column])
        counts += np.bincount(_labels(path, table, column, names), minlength=len(names))
    return Peek(dict(zip(names, counts.tolist(), strict=True)), tuple(map(str, paths)))


def find(folder: Path, pattern: str) -> list[Path]:
    """The files that a path or a glob means, in the order of their names."""
    if not pattern:
        raise UserError("a source of kind parquet needs a file or a glob; found an empty text")
    try:
        paths = sorted(folder.glob(pattern)) if not Path(pattern).is_absolute() else [Path(pattern)]
        paths = [path for path in paths if path.is_file()]
    except OSError as error:  # a name that no file system takes
        raise UserError(f"{folder / pattern} cannot be looked for ({error.strerror})") from error
    if not paths:
        raise UserError(f"no such file: {folder / pattern} (data_folder is {folder})")
    return paths


def _read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    try:
        return pq.read_table(path, columns=columns)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} is not a readable Parquet file ({str(error).splitlines()[0]})") from error


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} is not a readable Parquet file ({str(error).splitlines()[0]})") from error


def _is_image(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0 and _is_image(kind.field("bytes").type)
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _image_column(path: Path, schema: pa.Schema) -> str:
    for column in schema:
        if _is_image(column.type):
            return column.name
    raise UserError(f"{path} has no column of images; its columns are {', '.join(schema.names)}")


def _label_column(path: Path, schema: pa.Schema, wanted: str | None) -> str:
    for name in [wanted] if wanted else ["label", "labels", "fine_label"]:
        if schema.names.count(name) > 1:
            raise UserError(f"{path} has more than one column '{name}'")
        if name in schema.names:
            return name
    raise UserError(
        f"{path} has no label column '{wanted or 'label'}'; its columns are {', '.join(schema.names)}"
    )


def _images(path: Path, table: pa.Table, column: str) -> Iterator[tuple[bytes, str | None]]:
    if table.column_names.count(column) != 1 or not _is_image(table[column].type):
        raise UserError(
            f"{path} has no column of images '{column}'; its columns are {', '.join(table.column_names)}"
        )
    entries = table[column].to_pylist()
    pairs = [
        (entry["bytes"], entry.get("path")) if isinstance(entry, dict) else (entry, None) for entry in entries
    ]
    for place, (data, _) in enumerate(pairs):
        if data is None:
            raise UserError(f"{path}, row {place}: there is no image")
    every_row_named = all(name and isinstance(name, str) for _, name in pairs)
    yield from ((data, name if every_row_named else None) for data, name in pairs)


def _class_names(folder: Path, train: str, label_column: str | None, given: list[str] | None) -> list[str]:
    names = given or _names_in(find(folder, train), label_column)
    for name in names:
        if not isinstance(name, str) or not name.strip() or not name.isprintable() or names.count(name) > 1:
            raise UserError(f"classes are told apart by printable names; found {name!r} among {names}")
    return names


def _names_in(paths: list[Path], label_column: str | None) -> list[str]:
    """The names of the classes that the files themselves tell."""
    schema = _schema(paths[0])
    column = _label_column(paths[0], schema, label_column)
    if _is_text(schema.field(column).type):
        parts = [_read_table(path, [column])[column].unique().to_pylist() for path in paths]
        return sorted({name for part in parts for name in part if name is not None})
    features = _hub_features(schema)
    feature = features.get(column)
    names = feature.get("names") if isinstance(feature, dict) else None
    if not names:
        raise UserError(
            f"{paths[0]} does not name its classes; give them in class_names, in the order of the labels"
        )
    return list(names)


def _hub_features(schema: pa.Schema) -> dict[str, Any]:
    notes = (schema.metadata or {}).get(b"huggingface", b"{}")
    try:
        return dict(json.loads(notes)["info"]["features"])
    except (ValueError, KeyError, TypeError, RecursionError):  # not the hub's: then class_names must say
        return {}


def _labels(path: Path, table: pa.Table, label_column: str | None, names: list[str]) -> list[int]:
    column = _label_column(path, table.schema, label_column)
    labels = table[column].to_pylist()
    if labels and isinstance(labels[0], str):
        labels = [names.index(label) if label in names else label for label in labels]
    for place, label in enumerate(labels):
        if type(label) is not int or not 0 <= label < len(names):  # a boolean is none
            raise UserError(f"{path}, row {place}: label {label!r} is none of the classes {', '.join(names)}")
    return labels
