"""Images in folders: train/<class>/* and test/<class>/*."""

from collections import Counter
from pathlib import Path

import numpy as np

from unpoison.datasets._images import decode
from unpoison.datasets._source import Peek, SourceImages
from unpoison.errors import UserError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".tif", ".tiff")


def read(folder: Path, image_size: int, *, path: str = ".") -> SourceImages:
    """Read every image file below `<folder>/<path>/train/<class>` and `.../test/<class>`.

    A row's id is its path below `path`; the classes are the folders of `train`, in alphabetical order.

    Raises:
        UserError: for a missing folder, a test class that `train` does not have, an image that cannot be read.
    """
    files = _listing(folder / path)
    names = _class_names(folder / path, files)
    images = [decode(_bytes(folder / path / file), file, image_size) for file in files]
    labels = np.array([names.index(_class_of(file)) for file in files])
    return SourceImages(np.stack(images), files, [file.split("/")[0] for file in files], labels, tuple(names))


def peek(folder: Path, *, path: str = ".") -> Peek:
    """Class names and counts from the names of the files."""
    files = _listing(folder / path)
    training = [_class_of(file) for file in files if file.startswith("train/")]
    names = _class_names(folder / path, files)
    counts = Counter(training)
    return Peek({name: counts[name] for name in names}, tuple(f"{folder / path}/{file}" for file in files))


def _listing(root: Path) -> list[str]:
    files = []
    for split in ("train", "test"):
        if not (root / split).is_dir():
            raise UserError(f"no such folder: {root / split} (images are looked for in {split}/<class>/*)")
        found = sorted(
            path.relative_to(root).as_posix()
            for path in (root / split).glob("*/*")
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and not path.is_dir()
        )
        if not found:
            raise UserError(f"no images in {root / split}/<class>/ (looked for {', '.join(SUFFIXES)})")
        files += found
    for file in files:
        if not (root / file).is_file():  # a link to nothing
            raise UserError(f"{root / file} is no file")
        if not file.isprintable():  # it would be the row's id
            raise UserError(f"{root / file} has a name that is no printable text; rename it")
    return files


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"image {path} cannot be read ({error.strerror})") from error


def _class_names(root: Path, files: list[str]) -> list[str]:
    names = sorted({_class_of(file) for file in files if file.startswith("train/")})
    for file in files:
        if _class_of(file) not in names:
            raise UserError(
                f"{root / file} is of class '{_class_of(file)}', which train/ does not have; it has {', '.join(names)}"
            )
    return names


def _class_of(file: str) -> str:
    return file.split("/")[1]
