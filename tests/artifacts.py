"""The comparable content of a results folder, without times and provenance (Decision 15)."""

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq


def contents(results: Path) -> dict[str, Any]:
    """Return the content of each file, without logs, that a second run of the same config must equal."""
    files = [path for path in sorted(results.rglob("*")) if path.is_file()]
    named = {path.relative_to(results).as_posix(): path for path in files}
    return {name: _content(path) for name, path in named.items() if not name.startswith("logs/")}


def _content(path: Path) -> Any:
    if path.stem == "provenance":
        return None
    match path.suffix:
        case ".safetensors" | ".npy":
            return blake2b(path.read_bytes()).hexdigest()
        case ".parquet":
            return _table(path)
        case ".json":
            record = json.loads(path.read_text())
            return {key: record.get(key) for key in ("spec", "image_passes", "forward_passes")}
    return None


def _table(path: Path) -> tuple[str, Any]:
    notes = (pq.read_schema(path).metadata or {}).get(b"unpoison")
    table = pd.read_parquet(path).drop(columns="seconds", errors="ignore")
    if "metric" in table:
        table = table[table["metric"] != "unlearning_seconds"]
    return table.to_csv(), notes
