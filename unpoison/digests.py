"""All digests of the package: what is hashed, how, and where the digest stands.

| what | digest | where it stands |
|---|---|---|
| bytes of a file that may be damaged | CRC-32: `crc` | in the file, checked at each reading |
| a file that another one was made from | BLAKE2b, 128 bits: `checksum` | inputs and outputs of records |
| the user's files that a job reads | BLAKE2b, 128 bits: `content_digest` | specs: another content reruns the job |
| code, and settings of data | BLAKE2b, 64 bits: `digest` | specs, records, and names of what is kept between starts |
| seeds, draws and row ids | BLAKE2b, 64 bits: `digest_bytes` | models and tables of rows: what they hold |
"""

import os
import zlib
from collections.abc import Iterable
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Any

from unpoison.errors import UserError

SHORT, LONG = 8, 16  # bytes


def crc(*parts: Any) -> str:
    """Eight hexadecimal digits for bytes, in memory or mapped: 4 GB a second, and no flipped bit goes unseen."""
    found = 0
    for part in parts:
        found = zlib.crc32(part, found)
    return f"{found:08x}"


def crc_of_file(path: str | Path) -> str:
    """Return the `crc` of a file's bytes, which are read in pieces: a map of all of them would count as memory."""
    found = 0
    with Path(path).open("rb") as file:
        while part := file.read(1 << 24):
            found = zlib.crc32(part, found)
    return f"{found:08x}"


def digest_bytes(data: str | bytes, size: int = SHORT) -> bytes:
    """BLAKE2b of bytes, or of a text in UTF-8; size: of the digest, in bytes."""
    return blake2b(_encoded(data), digest_size=size).digest()


def digest(data: str | bytes) -> str:
    """BLAKE2b of bytes, or of a text in UTF-8: 64 bits in hexadecimal."""
    return blake2b(_encoded(data), digest_size=SHORT).hexdigest()


def checksum(path: str | Path) -> str:
    """BLAKE2b of a file, 128 bits in hexadecimal."""
    with Path(path).open("rb") as file:
        return file_digest(file, lambda: blake2b(digest_size=LONG)).hexdigest()


def content_digest(folder: str | Path, files: Iterable[str]) -> str:
    """One digest for the content of files and their paths relative to a folder; empty for no file.

    A file that an absolute path has led to elsewhere counts with that path, wherever the folder is.

    Raises:
        UserError: for a file that cannot be read.
    """
    found = blake2b(digest_size=LONG)
    path = None
    try:
        for path in files:
            name = os.path.relpath(path, folder) if Path(path).is_relative_to(folder) else path
            found.update(_encoded(f"{name}\0{checksum(path)}\n"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from error
    return found.hexdigest() if path else ""


def _encoded(data: str | bytes) -> bytes:
    """The bytes of a text. A name of a file that is no UTF-8 keeps its bytes, as Python reads it."""
    return data.encode(errors="surrogateescape") if isinstance(data, str) else data
