"""The files that a source reads: without system files, and each in one split only."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from unpoison.errors import UserError

# Files of operating systems, network drives and notebooks, in addition to names that begin with a dot.
SYSTEM_NAMES = frozenset(
    (
        "__macosx",
        "__pycache__",
        "@eadir",
        "@tmp",
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "system volume information",
        "lost+found",
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "icon\r",
    )
)


def is_clutter(name: str) -> bool:
    """Return whether a file or folder is hidden, or a system file."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def find(folder: Path, pattern: str) -> list[Path]:
    """Return the files that match a path or a glob, in the order of their names.

    The name of an existing file is not read as a glob. `**` stands for any number of folders.
    A glob leaves out hidden files, system files and the content of such folders, unless the pattern names them.

    Raises:
        UserError: for an empty pattern, one that matches no file, and a file name that is not UTF-8.
    """
    if not pattern:
        raise UserError("a source needs a file or a glob; found an empty text")
    try:
        paths = [folder / pattern] if (folder / pattern).is_file() else _globbed(folder, pattern)
    except (OSError, ValueError) as error:  # an invalid file name
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{folder / pattern} cannot be looked for ({reason})") from error
    if not paths:
        raise UserError(f"no such file: {folder / pattern} (data_folder is {folder})")
    for path in paths:
        if any("\ud800" <= letter <= "\udfff" for letter in str(path)):
            raise UserError(f"{path} has a name that is not UTF-8; rename it")
    return paths


def refuse_shared(files: Mapping[str, Iterable[Path]], *, within: bool = False) -> None:
    """Refuse a file that two splits hold, as a link or under the same name.

    Args:
        files: the files of each split.
        within: also refuse a file that one split holds twice.
    """
    seen: dict[tuple[int, int], tuple[str, Path]] = {}
    for split, paths in files.items():
        for path in paths:
            status = path.stat()
            other, first = seen.setdefault((status.st_dev, status.st_ino), (split, path))
            if other != split:
                raise UserError(f"{first} of {other} and {path} of {split} are one file; allowed: one split")
            if within and first is not path:
                raise UserError(f"{first} and {path} of {split} are one file; allowed: each file once")


def _globbed(folder: Path, pattern: str) -> list[Path]:
    wanted = Path(pattern)
    inside = wanted.relative_to(wanted.anchor) if wanted.is_absolute() else wanted
    if not inside.parts:  # "/" or "."
        return []
    if inside.name == "**":  # pathlib matches only folders with it
        inside /= "*"
    found = Path(wanted.anchor or folder).glob(str(inside))
    named = {*folder.parts, *wanted.parts}
    return sorted(
        path
        for path in found
        if path.is_file() and not any(is_clutter(part) for part in path.parts if part not in named)
    )
