"""Images in folders: train/<class>/*, test/<class>/*, and folders of trusted and of triggered images."""

from collections import Counter
from pathlib import Path

import numpy as np

from unpoison.class_names import check_class_names, composed
from unpoison.contracts.source import Peek, SourceImages
from unpoison.datasets._decoded import pictures_of
from unpoison.datasets._folders import SPLITS, Listing, list_images
from unpoison.errors import UserError
from unpoison.rows import TRIGGERED, TRUSTED
from unpoison.source_files import refuse_shared

FURTHER = (TRUSTED, TRIGGERED)


def read(
    folder: Path,
    image_size: int,
    *,
    path: str = ".",
    test: str | None = None,
    trusted: str | None = None,
    triggered: str | None = None,
) -> SourceImages:
    """Read every image file below `<folder>/<path>/train/<class>` and `.../test/<class>`; `test` may be
    missing.

    A row's id is its path below `path`. In the further folders it is `test/<class>/<file>`, `trusted/...` or
    `triggered/...`. The classes are the folders of `train`, in alphabetical order.

    Args:
        test: a folder in `folder`, with a folder for each class, if there is no folder `test` next to
            `train`.
        trusted: a folder in `folder`, with a folder for each class: clean images that the user vouches for.
        triggered: a folder of the same form, of test images that carry an attacker's trigger, in the folders
            of their TRUE classes.

    Raises:
        UserError: for a missing folder, a class folder without an image, images outside of class folders, a
            class that `train` does not have, one file in two splits, an image that cannot be read.
    """
    listing = _list(folder, path, (test, trusted, triggered))
    names = _class_names(listing)
    images = pictures_of([(file, listing.path(file)) for file in listing.files])
    labels = np.array([names.index(_class_of(file)) for file in listing.files])
    splits = [_split_of(file) for file in listing.files]
    return SourceImages(images, listing.files, splits, labels, tuple(names), tuple(listing.notes))


def peek(
    folder: Path,
    *,
    path: str = ".",
    test: str | None = None,
    trusted: str | None = None,
    triggered: str | None = None,
) -> Peek:
    """Return class names and counts from the names of the files."""
    listing = _list(folder, path, (test, trusted, triggered))
    names = _class_names(listing)
    there = Counter((_split_of(file), _class_of(file)) for file in listing.files)
    counts = {split: {name: there[split, name] for name in names} for split in (*SPLITS, *FURTHER)}
    return Peek(
        counts["train"],
        counts["test"],
        tuple(str(listing.path(file)) for file in listing.files),
        **{split: counts[split] for split in FURTHER},
    )


def _list(folder: Path, path: str, further: tuple[str | None, ...]) -> Listing:
    named = zip(("test", *FURTHER), further, strict=True)
    given = {split: folder / name for split, name in named if name is not None}
    if "test" in given and (folder / path / "test").is_dir():
        raise UserError(
            f"test: found {given['test']}, and {folder / path} holds a folder test/ too; allowed: one of them"
        )
    return list_images(folder / path, given)


def _class_names(listing: Listing) -> list[str]:
    """Return the classes of `train`, checked against those of the other splits."""
    folders = dict.fromkeys(file.split("/")[1] for file in listing.files)
    check_class_names(folders)
    names = sorted({_class_of(file) for file in listing.files if _split_of(file) == "train"})
    for file in listing.files:
        if _class_of(file) not in names:
            raise UserError(
                f"{listing.path(file)} is of class '{_class_of(file)}', which train/ does not have; "
                f"it has {', '.join(names)}"
            )
    refuse_shared(
        {
            split: [listing.path(file) for file in listing.files if _split_of(file) == split]
            for split in listing.folders
        }
    )
    return names


def _split_of(file: str) -> str:
    return file.split("/", maxsplit=1)[0]


def _class_of(file: str) -> str:
    return composed(file.split("/")[1])
