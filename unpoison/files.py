"""Artifacts on disk: written under a temporary name and renamed, so that none is ever half there; checked when read.

Every artifact that is read again carries a checksum of itself. One that does not match it is renamed `.corrupt`,
so that the next run makes it anew, and ends the job.

pandas and pyarrow are imported where they are used: not every job needs them, and to plan a study none is needed
(30 MB of Snakemake's own process).
"""

import io
import json
import os
import platform
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from unpoison.errors import UserError
from unpoison.text import as_cell, from_cell

if TYPE_CHECKING:
    import pandas as pd

SEAL = b"unpoison-crc32:"  # and eight hexadecimal digits, of all other bytes of the file
CHECKSUM = "checksum"  # the same in JSON, of the other keys


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it when the block ends well, removed when it does not.

    Raises:
        UserError: where the disk is full, read-only or not ours.
    """
    path = Path(path)
    stem, ending = f".{path.name}.{platform.node()}-", f".tmp{path.suffix}"
    temporary = path.with_name(f"{stem}{os.getpid()}{ending}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path.parent, stem, ending)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _remove_leftovers(folder: Path, stem: str, ending: str) -> None:
    """Remove what killed processes of this machine were writing."""
    for entry in list(os.scandir(folder)):
        if entry.name.startswith(stem) and entry.name.endswith(ending):
            try:
                os.kill(int(entry.name[len(stem) : -len(ending)]), 0)
            except ProcessLookupError:
                Path(entry.path).unlink(missing_ok=True)


def hold(folder: Path) -> Any:
    """A lock on a folder, kept as long as what is returned; the system takes it back from a killed process.

    Raises:
        UserError: when another process holds it, or it cannot be written to.
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


def checksum(*parts: Any) -> str:
    """Eight hexadecimal digits for bytes, in memory or mapped: 4 GB a second, and no flipped bit goes unseen."""
    found = 0
    for part in parts:
        found = zlib.crc32(part, found)
    return f"{found:08x}"


def present(path: str | Path) -> Path:
    """The path of an artifact that is to be read, unless another job has put it aside meanwhile."""
    path = Path(path)
    if not path.exists() and Path(f"{path}.corrupt").exists():
        raise UserError(f"{path} was damaged and is now {path.name}.corrupt; the next run makes it anew")
    return path


def damaged(path: Path) -> UserError:
    """The error for an artifact that fails its checksum, once it is out of the next run's way."""
    with suppress(FileNotFoundError):  # another job was faster
        path.replace(f"{path}.corrupt")
    return UserError(
        f"{path} is damaged: it fails its checksum; it is now {path.name}.corrupt and the next run makes it anew"
    )


def write_columns(path: str | Path, columns: Mapping[str, Any], *, notes: Any = None) -> None:
    """Write a Parquet table; `notes` (anything JSON can hold) travels in the file's own metadata."""
    table = import_module("pyarrow").table(dict(columns))
    if notes is not None:
        table = table.replace_schema_metadata({"unpoison": json.dumps(notes)})
    _write_parquet(path, table)


def read_columns(path: str | Path) -> tuple[dict[str, np.ndarray], Any]:
    """The columns of a Parquet table as NumPy arrays, and the notes it was written with."""
    table = _read_parquet(path)
    notes = (table.schema.metadata or {}).get(b"unpoison")
    columns = {name: table[name].to_numpy() for name in table.column_names}
    return columns, json.loads(notes) if notes else None


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write what JSON can hold; a number that is not finite is an error."""
    content = json.loads(json.dumps(content, allow_nan=False))  # as it will be read
    whole = {**content, CHECKSUM: _json_checksum(content)}
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """What `write_json` wrote."""
    path = present(path)
    try:
        content = json.loads(path.read_bytes())
        intact = content.pop(CHECKSUM) == _json_checksum(content)
    except (ValueError, KeyError, AttributeError, TypeError):
        intact = False
    if not intact:
        raise damaged(path)
    return content


def _json_checksum(content: Mapping[str, Any]) -> str:
    return checksum(json.dumps(content, sort_keys=True).encode())


def write_array(path: str | Path, array: np.ndarray) -> None:
    """Write an array that `map_array` can map."""
    with written_whole(path) as temporary:
        with temporary.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        seal = checksum(np.memmap(temporary, mode="r"))
        with temporary.open("ab") as file:  # NumPy reads no further than the array
            file.write(SEAL + seal.encode())


def map_array(path: str | Path, *, writable: bool = False) -> np.ndarray:
    """The array as a read-only memory map, shared by all jobs that open it.

    Args:
        writable: what is written to it stays in this process, which then has pages of its own, those alone.
    """
    path = present(path)
    content = np.memmap(path, mode="r") if path.stat().st_size else np.empty(0, np.uint8)
    end = len(content) - len(SEAL) - 8
    if end < 0 or content[end:].tobytes() != SEAL + checksum(content[:end]).encode():
        raise damaged(path)
    return np.load(path, mmap_mode="c" if writable else "r", allow_pickle=False)


def write_table(path: str | Path, table: "pd.DataFrame") -> None:
    """Write a pandas table as Parquet or CSV, by the path's ending; no text of the CSV is a spreadsheet's formula."""
    if Path(path).suffix == ".csv":
        texts = table.select_dtypes(["object", "string"])
        harmless = {str(name): texts[name].map(as_cell, na_action="ignore") for name in texts}
        with written_whole(path) as temporary:
            table.assign(**harmless).to_csv(temporary, index=False, encoding="utf-8")
    else:
        _write_parquet(path, import_module("pyarrow").Table.from_pandas(table, preserve_index=False))


def table_of_csv(content: bytes) -> "pd.DataFrame":
    """Return the table that `write_table` wrote as CSV: `NA` and `null` are texts, an empty cell alone is none."""
    csv = io.BytesIO(content)
    table = import_module("pandas").read_csv(csv, keep_default_na=False, na_values=[""], encoding="utf-8")
    texts = table.select_dtypes(["object", "string"])
    return table.assign(**{str(name): texts[name].map(from_cell, na_action="ignore") for name in texts})


def read_table(path: str | Path) -> "pd.DataFrame":
    """A Parquet table as a pandas one."""
    return _read_parquet(path).to_pandas()


# -- Parquet: the checksum stands before the footer, where readers do not look --------------------------


def _write_parquet(path: str | Path, table: Any) -> None:
    sink = import_module("pyarrow").BufferOutputStream()
    import_module("pyarrow.parquet").write_table(table, sink)
    content = memoryview(sink.getvalue())
    footer = _footer(content)
    with written_whole(path) as temporary, temporary.open("wb") as file:
        file.write(content[:footer])
        file.write(SEAL + checksum(content).encode())
        file.write(content[footer:])


def _read_parquet(path: str | Path) -> Any:
    """In Arrow's own memory and this thread alone: at a process's end, Arrow's threads may not touch Python's objects.

    Now and then one did, to let go of the bytes it had read, and aborted a job that was done (apache/arrow 34314).
    """
    path = present(path)
    arrow = import_module("pyarrow")
    with arrow.OSFile(str(path)) as file:
        whole = file.read_buffer()
    content = memoryview(whole)
    footer = _footer(content)
    seal = max(footer - len(SEAL) - 8, 0)
    if content[seal:footer] != SEAL + checksum(content[:seal], content[footer:]).encode():
        raise damaged(path)
    reader = import_module("pyarrow.parquet").ParquetFile(arrow.BufferReader(whole))
    return reader.read(use_threads=False)


def _footer(content: memoryview) -> int:
    """Where the footer of a Parquet file begins: it ends with its length and four letters."""
    return max(len(content) - 8 - int.from_bytes(content[-8:-4], "little"), 0)
