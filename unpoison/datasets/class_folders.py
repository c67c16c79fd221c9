"""Images in one folder for each class, without a folder for each split: photos/<class>/*."""

from collections import Counter
from pathlib import Path

import numpy as np

from unpoison.class_names import check_class_names, composed
from unpoison.contracts.source import Peek, SourceImages
from unpoison.datasets._decoded import pictures_of
from unpoison.datasets._folders import Listing, list_class_folders
from unpoison.errors import UserError
from unpoison.source_files import refuse_shared

SPLITS = ("train", "test", "trusted", "triggered")


def read(
    folder: Path,
    image_size: int,
    *,
    path: str = ".",
    test: str | None = None,
    trusted: str | None = None,
    triggered: str | None = None,
) -> SourceImages:
    """Read every image file below `<folder>/<path>/<class>`: the training rows.

    The id of a training row is its path below `path`, `<class>/<file>`. An id in the further folders is
    `test/<class>/<file>`, `trusted/...` or `triggered/...`. The classes are the folders of `path`, in
    alphabetical order.

    Args:
        test, trusted: further folders in `folder`, with a folder for each class; trusted are clean images
            that the user vouches for.
        triggered: a folder of the same form, of test images that carry an attacker's trigger, in the folders
            of their TRUE classes.

    Raises:
        UserError: for a missing folder, a class folder without an image, images outside of class folders, a
            class that `path` does not have, one file in two splits, an image that cannot be read.
    """
    listing = _list(folder, (path, test, trusted, triggered))
    names = _class_names(listing)
    return SourceImages(
        images=pictures_of([(file, listing.path(file)) for file in listing.files]),
        row_ids=[file.removeprefix("train/") for file in listing.files],  # other splits' ids have 3 parts
        splits=[_parts(file)[0] for file in listing.files],
        labels=np.array([names.index(_parts(file)[1]) for file in listing.files]),
        class_names=tuple(names),
        notes=tuple(listing.notes),
    )


def peek(
    folder: Path,
    *,
    path: str = ".",
    test: str | None = None,
    trusted: str | None = None,
    triggered: str | None = None,
) -> Peek:
    """Return class names and counts from the names of the files."""
    listing = _list(folder, (path, test, trusted, triggered))
    names = _class_names(listing)
    there = Counter(map(_parts, listing.files))
    counts = {split: {name: there[split, name] for name in names} for split in SPLITS}
    files = tuple(str(listing.path(file)) for file in listing.files)
    return Peek(counts["train"], counts["test"], files, counts["trusted"], counts["triggered"])


def _list(folder: Path, paths: tuple[str | None, ...]) -> Listing:
    named = zip(SPLITS, paths, strict=True)
    folders = {split: folder / path for split, path in named if path is not None}
    root = folders["train"]
    for name in ("train", "test"):
        if (root / name).is_dir():
            raise UserError(
                f"{root} holds a folder {name}/, and its folders would be classes; read it as source: image_folder"
            )
    for split, place in folders.items():
        if split != "train" and place.resolve().is_relative_to(root.resolve()):
            raise UserError(
                f"{split}: found {place}, which lies in {root}, whose folders are classes; move it elsewhere"
            )
    return list_class_folders(folders)


def _class_names(listing: Listing) -> list[str]:
    """Return the classes of the training rows, checked against those of the other splits."""
    check_class_names(dict.fromkeys(file.split("/")[1] for file in listing.files))
    names = sorted({name for split, name in map(_parts, listing.files) if split == "train"})
    for file in listing.files:
        if _parts(file)[1] not in names:
            raise UserError(
                f"{listing.path(file)} is of class '{_parts(file)[1]}', which {listing.folders['train']} does not "
                f"have; it has {', '.join(names)}"
            )
    refuse_shared(
        {
            split: [listing.path(file) for file in listing.files if _parts(file)[0] == split]
            for split in listing.folders
        }
    )
    return names


def _parts(file: str) -> tuple[str, str]:
    """Return the split and the class of a file."""
    split, name, _ = file.split("/")
    return split, composed(name)
