"""A cache of digests of the content of files, kept from one start of Snakemake to the next.

Every start needs the digest of each source, on a cluster in each job, and a source may have gigabytes. The cache is
below `.snakemake`, with the stamps of the files (size, times, inode). While these stay the same, no file is read.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from unpoison.digests import checksum, content_digest, digest
from unpoison.errors import UserError
from unpoison.files import intact_json, write_json
from unpoison.provenance import stamp

KEPT = Path(".snakemake") / "unpoison_contents.json"  # in Snakemake's working folder
SETTLED = 2.0  # seconds; with a coarse clock, a file that changes twice within them can keep its stamp


class Contents:
    """A cache of digests by the names of files, each with the stamps that the files had."""

    def __init__(self) -> None:
        self._kept = _read()
        self._new: dict[str, list[str]] = {}

    def of_files(self, folder: Path, files: Sequence[str]) -> str:
        """Return one digest of the content of files and of their paths below a folder."""
        return self._of([str(folder), *files], files, lambda: content_digest(folder, files))

    def of_file(self, path: str) -> str:
        """Return the checksum of a file, as it is in records."""
        return self._of([path], [path], lambda: checksum(path))

    def keep(self) -> None:
        """Write the cache to Snakemake's folder. Without it the next start reads the files again."""
        if self._new and KEPT.parent.exists():
            with suppress(UserError):
                write_json(KEPT, {"contents": {**_read(), **self._new}})  # another process may have written
            self._new = {}

    def _of(self, names: Sequence[str], files: Sequence[str], read: Callable[[], str]) -> str:
        key = digest("\0".join(names))
        stamps, changed = _stamps(files)
        if self._kept.get(key, [""])[0] != stamps:
            begun = time.time()
            self._kept[key] = [stamps, read()]
            if _stamps(files)[0] == stamps and begun - changed > SETTLED:
                self._new[key] = self._kept[key]
        return self._kept[key][1]


@cache
def contents() -> Contents:
    """Return the cache of this process."""
    return Contents()


def _read() -> dict[str, list[str]]:
    """Return the digests that an earlier start kept; empty if their file is damaged."""
    with suppress(KeyError):
        return dict((intact_json(KEPT) or {})["contents"])
    return {}


def _stamps(files: Sequence[str]) -> tuple[str, float]:
    """Return a digest of the stamps of files, and the time of their latest change (seconds)."""
    stamps, last = "", 0
    for file in files:
        try:
            found = stamp(file)
        except OSError as error:
            raise UserError(f"{file} cannot be read ({error.strerror})") from error
        stamps += repr(found)
        last = max(last, found[2])
    return digest(stamps), last / 1e9
