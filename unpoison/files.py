"""Artifacts on disk: each is written under a temporary name and renamed, so that none is ever half there.

pandas and pyarrow are imported where they are used: not every job needs them, and to plan a study none is needed
(30 MB of Snakemake's own process).
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it when the block ends well, removed when it does not."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_columns(path: str | Path, columns: Mapping[str, Any], *, notes: Any = None) -> None:
    """Write a Parquet table; `notes` (anything JSON can hold) travels in the file's own metadata."""
    table = import_module("pyarrow").table(dict(columns))
    if notes is not None:
        table = table.replace_schema_metadata({"unpoison": json.dumps(notes)})
    with written_whole(path) as temporary:
        import_module("pyarrow.parquet").write_table(table, temporary)


def read_columns(path: str | Path) -> tuple[dict[str, np.ndarray], Any]:
    """The columns of a Parquet table as NumPy arrays, and the notes it was written with."""
    table = import_module("pyarrow.parquet").read_table(path)
    notes = (table.schema.metadata or {}).get(b"unpoison")
    columns = {name: table[name].to_numpy() for name in table.column_names}
    return columns, json.loads(notes) if notes else None


def write_json(path: str | Path, content: Any) -> None:
    """Write what JSON can hold; a number that is not finite is an error."""
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """What `write_json` wrote."""
    return json.loads(Path(path).read_text())


def write_array(path: str | Path, array: np.ndarray) -> None:
    """Write an array that `map_array` can map."""
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def map_array(path: str | Path) -> np.ndarray:
    """The array as a read-only memory map, shared by all jobs that open it."""
    return np.load(path, mmap_mode="r", allow_pickle=False)


def write_table(path: str | Path, table: "pd.DataFrame") -> None:
    """A pandas table as Parquet or CSV, by the path's ending."""
    with written_whole(path) as temporary:
        if temporary.suffix == ".csv":
            table.to_csv(temporary, index=False)
        else:
            table.to_parquet(temporary, index=False)


def read_table(path: str | Path) -> "pd.DataFrame":
    """A Parquet table as a pandas one."""
    return import_module("pandas").read_parquet(path)
