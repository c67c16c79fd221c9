"""All digests of the package: what is hashed, how, and where the digest is stored.

| hashed content | digest | stored in |
|---|---|---|
| bytes of a file that may be damaged | CRC-32: `crc` | the file itself, checked at each reading |
| a file that another one was made from | BLAKE2b, 128 bits: `checksum` | inputs and outputs of records |
| the user's files that a job reads | BLAKE2b, 128 bits: `content_digest` | specs: changed content reruns the job |
| code, and settings of data | BLAKE2b, 64 bits: `digest` | specs, records, and names of files kept between starts |
| seeds, draws and row ids | BLAKE2b, 64 bits: `digest_bytes` | models and tables of rows, through their values |
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
    """Return the CRC-32 of bytes, in memory or mapped, in hexadecimal: 4 GB a second; it detects any flipped bit."""
    found = 0
    for part in parts:
        found = zlib.crc32(part, found)
    return f"{found:08x}"


def crc_of_file(path: str | Path) -> str:
    """Return the `crc` of a file's bytes, which are read in pieces: a map of the whole file would count as memory."""
    found = 0
    with Path(path).open("rb") as file:
        while part := file.read(1 << 24):
            found = zlib.crc32(part, found)
    return f"{found:08x}"


def digest_bytes(data: str | bytes, size: int = SHORT) -> bytes:
    """Return the BLAKE2b of bytes, or of a text in UTF-8; size: of the digest, in bytes."""
    return blake2b(_encoded(data), digest_size=size).digest()


def digest(data: str | bytes) -> str:
    """Return the BLAKE2b of bytes, or of a text in UTF-8: 64 bits in hexadecimal."""
    return blake2b(_encoded(data), digest_size=SHORT).hexdigest()


def checksum(path: str | Path) -> str:
    """Return the BLAKE2b of a file, 128 bits in hexadecimal."""
    with Path(path).open("rb") as file:
        return file_digest(file, lambda: blake2b(digest_size=LONG)).hexdigest()


def content_digest(folder: str | Path, files: Iterable[str]) -> str:
    """Return one digest of the content of files and their paths relative to a folder; "" for no file.

    A file outside the folder counts with its full path.

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
    """Return the bytes of a text. A file name that is not UTF-8 keeps the bytes that Python read."""
    return data.encode(errors="surrogateescape") if isinstance(data, str) else data
