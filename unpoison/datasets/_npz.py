"""Arrays in `.npz` files, read piece by piece: a file may hold more than fits into memory."""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unpoison.datasets._images import LONGEST_SIDE, MOST_PIXELS
from unpoison.datasets._parquet import MOST_ROWS
from unpoison.errors import UserError
from unpoison.source_files import find, refuse_shared
from unpoison.types import Labels

# Names of the arrays of images and labels, in the order of the search.
TRAINING = (
    ("x_train", "y_train"),
    ("train_images", "train_labels"),
    ("images_train", "labels_train"),
    ("images", "labels"),
    ("x", "y"),
)
TESTING = (("x_test", "y_test"), ("test_images", "test_labels"), ("images_test", "labels_test"))
AT_ONCE = 1 << 24  # bytes of images that are read together
LARGEST = 2**31 - 1  # label
MOST_LABELS_BYTES = 8 * MOST_ROWS


@dataclass(frozen=True)
class Stored:
    """The arrays of one split: the place and the layout of its images, and its labels as they are written."""

    path: Path
    split: str
    name: str
    shape: tuple[int, ...]
    channels: int | None  # the axis of an image that holds the channels; None: there is none
    labels: Labels

    def __str__(self) -> str:
        return f"{self.path}, array '{self.name}'"

    def images(self) -> Iterator[np.ndarray]:
        """Yield each image as (height, width) or (height, width, 3) uint8.

        Raises:
            UserError: for a damaged file, and for levels out of range.
        """
        with _reading(self.path), zipfile.ZipFile(self.path) as archive, _member(archive, self.name) as file:
            dtype = _header(self.path, self.name, file)[1]
            size = int(np.prod(self.shape[1:])) * dtype.itemsize
            rows = max(1, AT_ONCE // size)
            unit = None
            for start in range(0, self.shape[0], rows):
                count = min(rows, self.shape[0] - start)
                data = file.read(count * size)
                if len(data) < count * size:
                    raise UserError(f"{self} is damaged: it ends before its last image")
                values = np.frombuffer(data, dtype).reshape(count, *self.shape[1:])
                if unit is None and dtype.kind == "f":
                    unit = bool(_range(self, values)[1] <= 1)
                yield from map(self._image, self._levels(values, unit))
            if file.read(1):  # reading to the end makes the archive compare its checksum
                raise UserError(f"{self} is damaged: it goes on after its last image")

    def _levels(self, values: np.ndarray, unit: bool | None) -> np.ndarray:
        """Return values as levels from 0 to 255; unit: whether the first floats of the array are from 0 to 1."""
        if values.dtype == np.uint8:
            return values
        low, high = _range(self, values)
        most = 1 if unit else 255
        whole = unit or values.dtype.kind != "f" or bool((values == np.rint(values)).all())
        if low < 0 or high > most or not whole:
            raise UserError(
                f"{self}: found levels from {low:g} to {high:g}, allowed: whole numbers from 0 to 255, or floats from "
                "0 to 1"
            )
        return np.rint(values * 255.0 if unit else values).astype(np.uint8)

    def _image(self, image: np.ndarray) -> np.ndarray:
        if self.channels is None:
            return image
        last = np.moveaxis(image, self.channels, -1)
        return np.ascontiguousarray(last[:, :, 0] if last.shape[2] == 1 else last)


def open_splits(folder: Path, patterns: Mapping[str, str | None]) -> tuple[list[Stored], list[str]]:
    """Return the arrays of all splits, and notes on arrays that are not read.

    The labels are read here, the images later.

    Raises:
        UserError: for a missing file or array, and for one that cannot hold images or labels.
    """
    named = {split: pattern for split, pattern in patterns.items() if pattern is not None}
    paths = {split: _one(folder, split, pattern) for split, pattern in named.items()}
    refuse_shared({split: [path] for split, path in paths.items()})
    parts, notes = [], []
    for split, path in paths.items():
        with _reading(path), zipfile.ZipFile(path) as archive:
            there = [name.removesuffix(".npy") for name in archive.namelist()]
            wanted = (*TESTING, *TRAINING) if split != "train" else TRAINING
            pair = _pair(path, there, wanted)
            parts.append(_stored(path, split, archive, *pair))
            used = {*pair}
            if split == "train" and "test" not in named:
                tested = _pair(path, there, TESTING, is_needed=False)
                parts += [_stored(path, "test", archive, *tested)] if tested else []
                used |= {*tested}
            others = [name for name in there if name not in used]
            if others:
                notes.append(f"{path}: arrays that are not read: {', '.join(others)}")
    return parts, notes


def _one(folder: Path, split: str, pattern: str) -> Path:
    found = find(folder, pattern)
    if len(found) > 1:
        raise UserError(f"{split}: found {len(found)} files for {pattern}, allowed: one .npz file")
    return found[0]


def _pair(
    path: Path, there: list[str], wanted: tuple[tuple[str, str], ...], *, is_needed: bool = True
) -> tuple[str, ...]:
    """Return the names of the image and label arrays of a file, as they are written.

    They are () if the file has none and `is_needed` is False.
    """
    written = {name.lower(): name for name in there}
    for pair in wanted:
        if all(name in written for name in pair):
            return tuple(written[name] for name in pair)
    if not is_needed:
        return ()
    names = " or ".join(" and ".join(pair) for pair in wanted)
    raise UserError(f"{path} holds the arrays {', '.join(there) or '(none)'}, allowed: {names}")


def _stored(path: Path, split: str, archive: zipfile.ZipFile, images: str, labels: str) -> Stored:
    with _member(archive, images) as file:
        shape, dtype = _header(path, images, file)
    if dtype.kind not in "uif" or not 3 <= len(shape) <= 4 or not all(shape):
        raise UserError(
            f"{path}, array '{images}': found {dtype} of the shape {shape}, allowed: numbers (n, height, width), "
            "(n, height, width, 3) or (n, 3, height, width)"
        )
    channels = _channels(path, images, shape)
    sides = [side for axis, side in enumerate(shape[1:]) if axis != channels]
    if shape[0] > MOST_ROWS or max(sides) > LONGEST_SIDE or sides[0] * sides[1] > MOST_PIXELS:
        raise UserError(
            f"{path}, array '{images}' has the shape {shape}; at most {MOST_ROWS} images of {MOST_PIXELS} pixels can "
            "be read"
        )
    told = _labels(path, archive, labels)
    if len(told) != shape[0]:
        raise UserError(f"{path}: found {shape[0]} images in '{images}' and {len(told)} labels in '{labels}'")
    return Stored(path, split, images, shape, channels, told)


def _channels(path: Path, name: str, shape: tuple[int, ...]) -> int | None:
    """Return the axis of an image that holds its channels, None for grey images without one."""
    if len(shape) == 3:
        return None
    first, last = shape[1] in (1, 3), shape[3] in (1, 3)
    if first == last:
        found = "can be read in two ways" if first else "has neither 1 nor 3 channels"
        raise UserError(
            f"{path}, array '{name}': the shape {shape} {found}, allowed: (n, height, width, 3) or "
            "(n, 3, height, width)"
        )
    return 0 if first else 2


def _labels(path: Path, archive: zipfile.ZipFile, name: str) -> Labels:
    with _member(archive, name) as file:
        shape, dtype = _header(path, name, file)
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if dtype.kind not in "uif" or len(shape) not in (1, 2) or shape[1:] not in ((), (1,)):
            raise UserError(
                f"{path}, array '{name}': found {dtype} of the shape {shape}, allowed: integers (n,), the labels"
            )
        if size > MOST_LABELS_BYTES:
            raise UserError(f"{path}, array '{name}': found {shape[0]} labels, allowed: up to {MOST_ROWS}")
        data = file.read(size)
    if len(data) < size:
        raise UserError(f"{path}, array '{name}' is damaged: it ends before its last label")
    values = np.frombuffer(data, dtype).ravel()
    is_label = np.isfinite(values) & (values == np.rint(values)) & (values >= 0) & (values <= LARGEST)
    if not is_label.all():
        row = int(is_label.argmin())
        raise UserError(
            f"{path}, array '{name}', row {row}: found {values[row]}, allowed: an integer from 0 to {LARGEST}, the "
            "label"
        )
    return values.astype(np.int64)


def _header(path: Path, name: str, file: zipfile.ZipExtFile) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return the shape and type of an array, and leave the file at the first value of the array."""
    try:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, is_fortran, dtype = read(file)
    except ValueError as error:
        raise UserError(f"{path}, '{name}' is not a NumPy array ({str(error).splitlines()[0]})") from error
    if dtype.hasobject:
        raise UserError(f"{path}, array '{name}' holds Python objects; allowed: numbers")
    if is_fortran and len(shape) > 1:
        raise UserError(f"{path}, array '{name}' is stored by columns; save np.ascontiguousarray of it")
    return tuple(map(int, shape)), dtype


def _range(stored: Stored, values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():  # one NaN makes both of them NaN
        raise UserError(
            f"{stored}: found levels that are no finite numbers, allowed: 0 to 255, or floats from 0 to 1"
        )
    return low, high


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipExtFile:
    names = archive.namelist()
    return archive.open(f"{name}.npy" if f"{name}.npy" in names else name)  # type: ignore[return-value]


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Return a context that turns the errors of reading an archive into a `UserError`.

    Raises:
        UserError: if the file is damaged or not an archive.
    """
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} is not a readable .npz file ({reason})") from error
