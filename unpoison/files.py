"""Artifacts on disk: written under a temporary name and renamed, so that none is ever incomplete; checked when read.

Every artifact that is read again carries its own checksum. A reader refuses a file that does not match it, and leaves
the file unchanged. Only a job renames the artifact (`unpoison.damage`), so that the next run rebuilds it.

pandas and pyarrow are imported where they are used: not every job needs them. Planning needs none: it saves 30 MB of
Snakemake's own process.
"""

import csv
import io
import json
import os
import platform
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from unpoison.damage import DamagedError
from unpoison.digests import crc, crc_of_file
from unpoison.errors import UserError
from unpoison.text import as_cell, from_cell

if TYPE_CHECKING:
    import pandas as pd

SEAL = b"unpoison-crc32:"  # followed by eight hexadecimal digits: the CRC-32 of all other bytes of the file
CHECKSUM = "checksum"  # the same for JSON: the CRC-32 of the other keys
# Columns of names, read as text even if they consist of digits.
NAMES = (
    "study",
    "dataset",
    "poison",
    "training",
    "deletion",
    "detector",
    "method",
    "other",
    "metric",
    "class_name",
)
# Opens a new file; fails for an existing file or a link.
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; it is renamed to `path` if the block succeeds, and removed otherwise.

    Raises:
        UserError: for a disk that is full, read-only or not writable for this user.
    """
    path = Path(path)
    stem, ending = f".{path.name}.{platform.node()}-", f".tmp{path.suffix}"
    temporary = path.with_name(f"{stem}{os.getpid()}-{secrets.token_hex(4)}{ending}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path.parent, stem, ending)
        os.close(os.open(temporary, NEW, 0o666))  # less the umask: a group may share results
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _remove_leftovers(folder: Path, stem: str, ending: str) -> None:
    """Remove temporary files of killed processes of this machine; another user's may stay."""
    leftover = re.compile(rf"{re.escape(stem)}(\d+)(-[0-9a-f]+)?{re.escape(ending)}")
    for entry in list(os.scandir(folder)):
        if found := leftover.fullmatch(entry.name):
            with suppress(PermissionError):
                try:
                    os.kill(int(found[1]), 0)
                except (ProcessLookupError, OverflowError):
                    Path(entry.path).unlink(missing_ok=True)


def hold(folder: Path) -> Any:
    """Return a lock on a folder, held while the returned object exists; the system releases it for a killed process.

    Raises:
        UserError: if another process holds the lock, or the folder is not writable.
    """
    lock = import_module("filelock").FileLock(folder / ".lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except TimeoutError as error:
        raise UserError(
            f"{folder} is in use by another run; wait for its end, or write to another"
        ) from error
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error
    return lock


def require_intact(path: str | Path) -> Path:
    """Return the path of an artifact after checking that it can be read.

    Raises:
        UserError: for a file that is missing, that another job has renamed as damaged, or that may not be read.
    """
    path = Path(path)
    try:
        is_there = path.is_file()
        if is_there:
            path.open("rb").close()
    except OSError as error:  # no permission, or an invalid file name
        raise UserError(f"{path} cannot be read ({error.strerror})") from error
    if not is_there:
        if Path(f"{path}.corrupt").exists():
            raise UserError(f"{path} was damaged and is now {path.name}.corrupt; the next run rebuilds it")
        raise UserError(f"no such file: {path}")
    return path


def write_columns(path: str | Path, columns: Mapping[str, Any], *, notes: Any = None) -> None:
    """Write a Parquet table; `notes` (anything JSON can hold) are stored in the file's metadata."""
    table = import_module("pyarrow").table(dict(columns))
    if notes is not None:
        table = table.replace_schema_metadata({"unpoison": json.dumps(notes)})
    _write_parquet(path, table)


def read_columns(path: str | Path) -> tuple[dict[str, np.ndarray], Any]:
    """Return the columns of a Parquet table as NumPy arrays, and the notes it was written with."""
    table = _read_parquet(path)
    notes = (table.schema.metadata or {}).get(b"unpoison")
    columns = {name: table[name].to_numpy() for name in table.column_names}
    return columns, json.loads(notes) if notes else None


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file with its checksum; a number that is not finite is an error."""
    content = json.loads(json.dumps(content, allow_nan=False))  # as it will be read
    whole = {**content, CHECKSUM: _json_checksum(content)}
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """Return the content that `write_json` wrote."""
    path = require_intact(path)
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DamagedError(path, is_ours=None) from error
    if not isinstance(content, dict) or not content:
        raise DamagedError(path, is_ours=False)
    last, seal = list(content.items())[-1]
    if last != CHECKSUM or content.pop(CHECKSUM) != _json_checksum(content):
        is_seal = isinstance(seal, str) and re.fullmatch("[0-9a-f]{8}", seal)
        raise DamagedError(path, is_ours=last == CHECKSUM or bool(is_seal))
    return content


def intact_json(path: str | Path) -> Any | None:
    """Return what `write_json` wrote, or None for a missing, damaged or foreign file. The file stays unchanged."""
    try:
        return read_json(path)
    except (UserError, OSError):
        return None


def _json_checksum(content: Mapping[str, Any]) -> str:
    return crc(json.dumps(content, sort_keys=True).encode())


def write_array(path: str | Path, array: np.ndarray) -> None:
    """Write an array that `map_array` can map."""
    with written_whole(path) as temporary:
        with temporary.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        _seal(temporary)


def _seal(path: Path) -> None:
    seal = crc_of_file(path)
    with path.open("ab") as file:  # NumPy reads no further than the array
        file.write(SEAL + seal.encode())


@contextmanager
def new_array(path: str | Path) -> Iterator[Callable[[tuple[int, ...]], np.ndarray]]:
    """Yield a function from a shape to a uint8 array in a file, which `map_array` can map after the block.

    The array need not fit into memory: the system writes its pages to the file.
    """
    with written_whole(path) as temporary:
        yield lambda shape: _mapped_anew(temporary, shape)
        _seal(temporary)


def _mapped_anew(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    array = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    if hasattr(os, "posix_fallocate"):  # otherwise a disk that fills up later ends the process by a signal
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def map_array(path: str | Path, *, writable: bool = False) -> np.ndarray:
    """Return the array as a read-only memory map, shared by all jobs that open it.

    Args:
        writable: writes stay in this process; only the pages that are written to are copied.
    """
    path = require_intact(path)
    content = np.memmap(path, mode="r") if path.stat().st_size else np.empty(0, np.uint8)
    end = max(len(content) - len(SEAL) - 8, 0)
    if content[end:].tobytes() != SEAL + crc(content[:end]).encode():
        raise DamagedError(path, is_ours=_is_seal(content[end:].tobytes()) or _is_array_of_ours(path))
    return np.load(path, mmap_mode="c" if writable else "r", allow_pickle=False)


def _is_array_of_ours(path: Path) -> bool | None:
    """Return whether part of this package's seal follows the array; None for a file that NumPy cannot read."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError):
        return None
    if not isinstance(array, np.memmap):  # an archive of arrays
        return False
    with path.open("rb") as file:
        file.seek(array.offset + array.nbytes)
        found = file.read(len(SEAL))
    return found != b"" and SEAL.startswith(found)


def _is_seal(found: bytes) -> bool:
    """Return whether these bytes begin with most of the seal: a flipped bit may be in the seal itself."""
    return sum(ours == theirs for ours, theirs in zip(SEAL, found, strict=False)) > len(SEAL) // 2


def write_table(path: str | Path, table: "pd.DataFrame") -> None:
    """Write a pandas table as Parquet or CSV, by the path's ending; no text of the CSV is a spreadsheet formula."""
    if Path(path).suffix == ".csv":
        texts = table.select_dtypes(["object", "string"])
        harmless = {str(name): texts[name].map(as_cell, na_action="ignore") for name in texts}
        has_return = any("\r" in text for name in texts for text in texts[name].dropna().astype(str))
        # QUOTE_MINIMAL leaves a carriage return unquoted, and readers end the line there.
        quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if has_return else csv.QUOTE_MINIMAL
        with written_whole(path) as temporary:
            table.assign(**harmless).to_csv(temporary, index=False, encoding="utf-8", quoting=quoting)
    else:
        _write_parquet(path, import_module("pyarrow").Table.from_pandas(table, preserve_index=False))


def table_of_csv(content: bytes) -> "pd.DataFrame":
    """Return the table that `write_table` wrote as CSV.

    Only an empty cell is a missing value: `NA` and `null` are texts. Names of digits, such as the class `1` or the
    study `2024`, are texts too.
    """
    file = io.BytesIO(content)
    table = import_module("pandas").read_csv(
        file, keep_default_na=False, na_values=[""], encoding="utf-8", dtype=dict.fromkeys(NAMES, "string")
    )
    texts = table.select_dtypes(["object", "string"])
    return table.assign(**{str(name): texts[name].map(from_cell, na_action="ignore") for name in texts})


def read_table(path: str | Path) -> "pd.DataFrame":
    """Return a Parquet table as a pandas table."""
    return _read_parquet(path).to_pandas()


# -- Parquet: the checksum stands before the footer, where readers do not look --------------------------


def _write_parquet(path: str | Path, table: Any) -> None:
    sink = import_module("pyarrow").BufferOutputStream()
    import_module("pyarrow.parquet").write_table(table, sink)
    content = memoryview(sink.getvalue())
    footer = _footer(content)
    with written_whole(path) as temporary, temporary.open("wb") as file:
        file.write(content[:footer])
        file.write(SEAL + crc(content).encode())
        file.write(content[footer:])


def _read_parquet(path: str | Path) -> Any:
    """Return a Parquet table, read into Arrow's own memory by this thread alone.

    At the end of a process Arrow's threads must not touch Python objects. Sometimes one did, to free the bytes it had
    read, and aborted a finished job (apache/arrow 34314).
    """
    path = require_intact(path)
    arrow = import_module("pyarrow")
    with arrow.OSFile(str(path)) as file:
        whole = file.read_buffer()
    content = memoryview(whole)
    footer = _footer(content)
    seal = max(footer - len(SEAL) - 8, 0)
    if content[seal:footer] != SEAL + crc(content[:seal], content[footer:]).encode():
        raise DamagedError(path, is_ours=_is_seal(bytes(content[seal:footer])) or _is_table(whole))
    reader = import_module("pyarrow.parquet").ParquetFile(arrow.BufferReader(whole))
    return reader.read(use_threads=False)


def _is_table(content: Any) -> bool | None:
    """Return False for a file that Arrow can read, which may be another program's; None for one that it cannot."""
    arrow = import_module("pyarrow")
    try:
        import_module("pyarrow.parquet").ParquetFile(arrow.BufferReader(content))
    except (arrow.ArrowException, OSError):
        return None
    return False


def _footer(content: memoryview) -> int:
    """Return the offset of a Parquet file's footer; the footer ends with its length and four letters."""
    return max(len(content) - 8 - int.from_bytes(content[-8:-4], "little"), 0)
