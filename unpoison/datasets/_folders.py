"""List the image files in folders of splits and classes, and report all other files there."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from unpoison.datasets._images import SUFFIXES
from unpoison.errors import UserError
from unpoison.source_files import is_clutter

SPLITS = ("train", "test")


@dataclass
class Listing:
    """The image files of a source, as <split>/<class>/<file>, and notes on what is not read.

    folders: for each split, the folder that holds its class folders.
    """

    folders: dict[str, Path]
    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def path(self, file: str) -> Path:
        split, below = file.split("/", maxsplit=1)
        return self.folders[split] / below


@dataclass
class _Account:
    """The entries of one split that are not images."""

    unread: Counter[str] = field(default_factory=Counter)  # by ending
    clutter: int = 0

    def sentences(self, split: str) -> Iterator[str]:
        if self.unread:
            yield f"{split}/: files that are not read, by their endings: {_counted(self.unread)}"
        if self.clutter:
            yield f"{split}/: skipped as hidden or as system files: {self.clutter} files or folders"


def list_images(root: Path, further: Mapping[str, Path] | None = None) -> Listing:
    """Return the sorted images of `train/<class>/`, of `test/<class>/` and of further folders; `test` may be
    missing.

    Args:
        further: the folder of each further split, or of `test`. It also has one folder for each class.

    Raises:
        UserError: for a missing `train` or further folder, a class folder without an image, an image outside
            of a class folder, a broken link, and a name that is not printable text.
    """
    further = further or {}
    listing = Listing({**{split: root / split for split in SPLITS}, **further})
    read = {*SPLITS, *(_below(root, folder) for folder in further.values())}
    others = [entry.name for entry in _entries(root) if entry.name not in read and not is_clutter(entry.name)]
    for split, folder in listing.folders.items():
        if not os.path.isdir(folder):  # noqa: PTH112 (is_dir raises where a name is too long)
            if split in ("train", *further) or os.path.lexists(folder):
                raise UserError(
                    f"no such folder: {folder} (images are looked for in {split}/<class>/*; "
                    f"{root} holds {', '.join(others[:5]) or 'nothing else'})"
                )
            listing.notes.append("there is no folder test/: no accuracy on test images will be measured")
            continue
        account = _Account()
        listing.files += _images_of_split(folder, split, account)
        listing.notes += account.sentences(split)
    folders = [name for name in others if (root / name).is_dir()]
    if folders:
        listing.notes.append(f"folders other than train/ and test/ that are not read: {', '.join(folders)}")
    images = Counter(
        ending for name in others if (ending := _ending(name)) in SUFFIXES and name not in folders
    )
    if images:
        listing.notes.append(f"images outside of train/ and test/ that are not read: {_counted(images)}")
    return listing


def list_class_folders(folders: Mapping[str, Path]) -> Listing:
    """Return the sorted images of `<folder>/<class>/` for the folder of each split.

    Raises:
        UserError: for a missing folder, and in the cases of `list_images`.
    """
    listing = Listing(dict(folders))
    for split, folder in folders.items():
        if not folder.is_dir():
            raise UserError(f"no such folder: {folder} (images are looked for in {folder}/<class>/*)")
        account = _Account()
        listing.files += _images_of_split(folder, split, account)
        listing.notes += account.sentences(str(folder))
    return listing


def _below(root: Path, folder: Path) -> str:
    """Return the name of the entry of `root` that is or contains `folder`; empty if there is none."""
    return folder.relative_to(root).parts[0] if folder.is_relative_to(root) and folder != root else ""


def _images_of_split(folder: Path, split: str, account: _Account) -> list[str]:
    files: list[str] = []
    for entry in _entries(folder):
        if is_clutter(entry.name):
            account.clutter += 1
        elif _holds(entry.is_dir):
            files += _images_of_class(folder / entry.name, f"{split}/{entry.name}", account)
        elif _ending(entry.name) in SUFFIXES:
            raise UserError(
                f"{entry.path} is an image outside of a class folder; move it into {split}/<class>/"
            )
        else:
            account.unread[_ending(entry.name)] += 1
    if not files:
        raise UserError(f"no images in {folder}/<class>/ (looked for {', '.join(SUFFIXES)})")
    return files


def _images_of_class(folder: Path, name: str, account: _Account) -> list[str]:
    files, unread = [], Counter[str]()
    for entry in _entries(folder):
        if is_clutter(entry.name):
            account.clutter += 1
        elif _holds(entry.is_dir):
            unread += _without_images(entry.path, folder.parent)
        elif _ending(entry.name) in SUFFIXES:
            files.append(_checked(entry, f"{name}/{entry.name}"))
        else:
            unread[_ending(entry.name)] += 1
    if not files:
        raise UserError(
            f"no images in {folder}, the folder of a class: found {_counted(unread) or 'nothing'}, "
            f"allowed: {', '.join(SUFFIXES)}; remove the folder or add images"
        )
    account.unread += unread
    return files


def _without_images(folder: str, split: Path) -> Counter[str]:
    """Count the endings of the files below a folder inside a class folder, and refuse images there."""
    files = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_clutter(name))
        files += [f"{place}/{name}" for name in sorted(names) if not is_clutter(name)]
    nested = [file for file in files if _ending(file) in SUFFIXES]
    if nested:
        raise UserError(
            f"{len(nested)} images lie deeper than their class folder, the first is {nested[0]}; "
            f"allowed: {split}/<class>/<image>"
        )
    return Counter(map(_ending, files))


def _checked(entry: os.DirEntry[str], file: str) -> str:
    if not _holds(entry.is_file):  # a broken link
        raise UserError(f"{entry.path} is no file")
    if not file.isprintable():  # it would be the row's id
        raise UserError(f"{entry.path} has a name that is no printable text; rename it")
    return file


def _counted(endings: Counter[str]) -> str:
    return ", ".join(f"{ending or 'no ending'} ({count})" for ending, count in sorted(endings.items()))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return the entries of a folder by name.

    For most entries the system reports with the listing whether they are folders, so no further call is
    needed.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:  # such as a name that the file system does not accept
        raise UserError(f"{folder} cannot be read ({getattr(error, 'strerror', None) or error})") from error


def _holds(question: Callable[[], bool]) -> bool:
    """Return the answer of an entry about itself; False if the system raises, as for a link to itself."""
    try:
        return question()
    except OSError:
        return False


def _ending(name: str) -> str:
    return PurePath(name).suffix.lower()
