"""Images in folders: train/<class>/* and test/<class>/*."""

from collections import Counter
from pathlib import Path

import numpy as np

from unpoison.contracts.source import Peek, SourceImages
from unpoison.datasets._classes import check_class_names, composed
from unpoison.datasets._files import refuse_shared
from unpoison.datasets._folders import Listing, list_images
from unpoison.datasets._images import decode
from unpoison.errors import UserError


def read(folder: Path, image_size: int, *, path: str = ".") -> SourceImages:
    """Read every image file below `<folder>/<path>/train/<class>` and `.../test/<class>`; `test` may be missing.

    A row's id is its path below `path`; the classes are the folders of `train`, in alphabetical order.

    Raises:
        UserError: for a missing folder, a class folder without an image, images outside of class folders, a test
            class that `train` does not have, an image that cannot be read.
    """
    root = folder / path
    listing = list_images(root)
    names = _class_names(root, listing)
    images = np.stack([decode(_bytes(root / file), file, image_size) for file in listing.files])
    labels = np.array([names.index(_class_of(file)) for file in listing.files])
    splits = [_split_of(file) for file in listing.files]
    return SourceImages(images, listing.files, splits, labels, tuple(names), tuple(listing.notes))


def peek(folder: Path, *, path: str = ".") -> Peek:
    """Class names and counts from the names of the files."""
    root = folder / path
    listing = list_images(root)
    names = _class_names(root, listing)
    there = Counter((_split_of(file), _class_of(file)) for file in listing.files)
    training, tests = ({name: there[split, name] for name in names} for split in ("train", "test"))
    return Peek(training, tests, tuple(f"{root}/{file}" for file in listing.files))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"image {path} cannot be read ({error.strerror})") from error


def _class_names(root: Path, listing: Listing) -> list[str]:
    """The classes of `train`, checked against those of `test`."""
    folders = dict.fromkeys(file.split("/")[1] for file in listing.files)
    check_class_names(folders)
    names = sorted({_class_of(file) for file in listing.files if _split_of(file) == "train"})
    for file in listing.files:
        if _class_of(file) not in names:
            raise UserError(
                f"{root / file} is of class '{_class_of(file)}', which train/ does not have; it has {', '.join(names)}"
            )
    refuse_shared(
        {
            split: [root / file for file in listing.files if _split_of(file) == split]
            for split in ("train", "test")
        }
    )
    return names


def _split_of(file: str) -> str:
    return file.split("/", maxsplit=1)[0]


def _class_of(file: str) -> str:
    return composed(file.split("/")[1])
