"""Open the Parquet files of a source: find their columns, and check their size by the footer."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from unpoison.errors import UserError
from unpoison.source_files import find, refuse_shared

MOST_ROWS = 10_000_000  # of a source; ImageNet has 1.3 million
BATCH = 256  # rows whose images are in memory at once
LABEL_COLUMNS = ("label", "labels", "fine_label")
# The first bytes of image files: PNG, JPEG, GIF, BMP, WebP, TIFF and the PNM family.
IMAGE_STARTS = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"BM",
    b"RIFF",
    b"II*\0",
    b"MM\0*",
    *(b"P%d" % n for n in range(1, 7)),
)


@dataclass(frozen=True)
class File:
    """A Parquet file of one split: its number of rows, its two columns and the hub's metadata on them."""

    path: Path
    split: str
    rows: int
    image_column: str
    label_column: str
    label_type: pa.DataType
    features: Mapping[str, Any]

    def batches(self, column: str, **options: Any) -> Iterator[pa.Array]:
        """Yield one column in pieces of up to `BATCH` rows, or of the `batch_size` in the options."""
        with pq.ParquetFile(self.path, read_dictionary=options.pop("read_dictionary", None)) as file:
            for batch in file.iter_batches(columns=[column], **{"batch_size": BATCH, **options}):
                yield batch.column(0)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Return a context that turns the errors of reading a Parquet file into a `UserError`.

    Raises:
        UserError: if the file is damaged or not a Parquet file, or its texts are not UTF-8.
    """
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} is not a readable Parquet file ({reason})") from error


def open_files(
    folder: Path, patterns: Mapping[str, str], image_column: str | None, label_column: str | None
) -> list[File]:
    """Return the files of all splits, from their footers alone.

    Raises:
        UserError: for a missing file, a file in two splits, a missing or ambiguous column, and more than
            `MOST_ROWS` rows.
    """
    paths = {split: find(folder, pattern) for split, pattern in patterns.items()}
    refuse_shared(paths, within=True)
    footers = {path: _footer(path) for of_split in paths.values() for path in of_split}
    rows = sum(count for count, _ in footers.values())
    if rows > MOST_ROWS:
        largest = max(footers, key=lambda path: footers[path][0])
        raise UserError(
            f"found {rows} rows in {len(footers)} Parquet files, most of them in {largest}; allowed: {MOST_ROWS}"
        )
    return [
        _file(path, split, footers[path], image_column, label_column)
        for split, of_split in paths.items()
        for path in of_split
    ]


def is_text(kind: pa.DataType) -> bool:
    """Return whether a column holds texts, plain or in a dictionary."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def is_image(kind: pa.DataType) -> bool:
    """Return whether a column has a type for images: bytes, or a struct with bytes."""
    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0 and is_image(kind.field("bytes").type)
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)


def _footer(path: Path) -> tuple[int, pa.Schema]:
    with reading(path), pq.ParquetFile(path) as file:
        return file.metadata.num_rows, file.schema_arrow


def _file(
    path: Path, split: str, footer: tuple[int, pa.Schema], image_column: str | None, label_column: str | None
) -> File:
    rows, schema = footer
    features = _hub_features(schema)
    label = _label_column(path, schema, label_column)
    image = image_column or _image_column(path, schema, features)
    if schema.names.count(image) != 1 or not is_image(schema.field(image).type):
        raise UserError(
            f"{path} has no column of images '{image}'; its columns are {', '.join(schema.names)}"
        )
    return File(path, split, rows, image, label, schema.field(label).type, features)


def _image_column(path: Path, schema: pa.Schema, features: Mapping[str, Any]) -> str:
    names = [
        column.name
        for column in schema
        if is_image(column.type) and _noted_type(features, column.name) in (None, "Image")
    ]
    if len(names) > 1:
        names = [name for name in names if schema.names.count(name) > 1 or _holds_images(path, name)]
    if not names:
        raise UserError(f"{path} has no column of images; its columns are {', '.join(schema.names)}")
    if len(names) > 1:
        raise UserError(
            f"{path} has {len(names)} columns of images, {', '.join(names)}; choose one by the option image_column"
        )
    return names[0]


def _label_column(path: Path, schema: pa.Schema, wanted: str | None) -> str:
    names = [name for name in ([wanted] if wanted else LABEL_COLUMNS) if name in schema.names]
    if not names:
        raise UserError(
            f"{path} has no label column '{wanted or 'label'}'; its columns are {', '.join(schema.names)}"
        )
    if len(names) > 1:
        raise UserError(
            f"{path} has {len(names)} columns of labels, {', '.join(names)}; choose one by the option label_column"
        )
    if schema.names.count(names[0]) > 1:
        raise UserError(f"{path} has more than one column '{names[0]}'")
    return names[0]


def _holds_images(path: Path, column: str) -> bool:
    """Return whether the first value of a column begins like an image file; bytes can also be hashes or
    sounds."""
    with reading(path), pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=1, columns=[column]):
            value = batch.column(0)[0].as_py()
            data = value.get("bytes") if isinstance(value, dict) else value
            if data is not None:
                return bool(data.startswith(IMAGE_STARTS))
    return True  # no value at all


def _hub_features(schema: pa.Schema) -> dict[str, Any]:
    """Return the hub's metadata on the columns: for a column of labels, the names of its classes."""
    notes = (schema.metadata or {}).get(b"huggingface", b"{}")
    try:
        return dict(json.loads(notes)["info"]["features"])
    except (ValueError, KeyError, TypeError, RecursionError):  # not metadata of the hub
        return {}


def _noted_type(features: Mapping[str, Any], column: str) -> str | None:
    feature = features.get(column)
    return feature.get("_type") if isinstance(feature, dict) else None
