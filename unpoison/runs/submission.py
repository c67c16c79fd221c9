"""A submission to the leaderboard: one file with a method's tables, config and provenance, written and read."""

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from unpoison.columns import COLUMNS
from unpoison.damage import DamagedError
from unpoison.errors import UserError
from unpoison.files import read_table, write_table, written_whole
from unpoison.plugin_files import NAME
from unpoison.runs.pooling import Block, check_columns
from unpoison.study.written import parsed

FORMAT = 1
TOLD, CONFIG, RESULTS, RECORDS = FILES = (
    "submission.json",
    "config.yaml",
    "results.parquet",
    "provenance.parquet",
)
MOST_BYTES = 8_000_000  # of each file: the largest published table has a tenth of it
KEYS = {
    **dict.fromkeys(("name", "published", "method", "plug_in", "source_sha256", "unpoison"), str),
    "format": int,
    "studies": list,
    "options": dict,
}


@dataclass(frozen=True)
class Submission:
    """The parts of a submission. told: submission.json; results, records: the tables of results and of provenance."""

    told: Mapping[str, Any]
    config: Mapping[str, Any]
    results: pd.DataFrame
    records: pd.DataFrame


def write_submission(path: Path, made: Submission) -> None:
    """Write a submission as a zip; equal content gives equal bytes."""
    with tempfile.TemporaryDirectory() as folder, written_whole(path) as temporary:
        parts = Path(folder)
        (parts / TOLD).write_text(json.dumps(made.told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        config = yaml.safe_dump(dict(made.config), sort_keys=False, allow_unicode=True)
        (parts / CONFIG).write_text(config, encoding="utf-8")
        write_table(parts / RESULTS, made.results)
        write_table(parts / RECORDS, made.records)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as whole:
            for name in FILES:
                entry = zipfile.ZipInfo(name)  # with a fixed date
                entry.compress_type = zipfile.ZIP_DEFLATED
                whole.writestr(entry, (parts / name).read_bytes())


def unpacked(path: Path) -> dict[str, bytes]:
    """Return the four files of a submission, by name. Nothing is written.

    Raises:
        UserError: for a file that is not a zip, other files or paths in it, and a file in it that is too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as whole:
            names = sorted(whole.namelist())
            if names != sorted(FILES):
                raise UserError(f"{path}: found {', '.join(names) or 'nothing'}, allowed: {', '.join(FILES)}")
            contents = {}
            for name in FILES:
                with whole.open(name) as file:
                    contents[name] = file.read(MOST_BYTES + 1)  # the size in the zip's directory may be wrong
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise UserError(
            f"{path}: found no zip that can be read ({error}), allowed: a file of unpoison submit"
        ) from error
    for name, content in contents.items():
        if len(content) > MOST_BYTES:
            raise UserError(f"{path}: {name} is larger than allowed: {MOST_BYTES:,} bytes")
    return contents


def read_submission(path: Path) -> Submission:
    """Return a submission from its file. No code of it is run.

    Raises:
        UserError: for a file that `unpoison submit` did not write.
    """
    contents = unpacked(path)
    try:
        told = json.loads(contents[TOLD])
        config = parsed(contents[CONFIG].decode(), f"{path}: {CONFIG}")
    except ValueError as error:
        raise UserError(
            f"{path}: found text that cannot be read ({error}), allowed: JSON and YAML"
        ) from error
    if not isinstance(config, dict):
        raise UserError(f"{path}: found {type(config).__name__} in {CONFIG}, allowed: a mapping")
    _check_told(path, told)
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        for name in (RESULTS, RECORDS):
            (Path(folder) / name).write_bytes(contents[name])
            try:
                tables.append(read_table(Path(folder) / name))
            except DamagedError as error:
                raise UserError(f"{path}: {name} {error.fault} or was not written by unpoison") from error
    block = Block(told["name"], *tables)
    check_columns(block)
    try:
        results = block.results.astype({name: column.dtype for name, column in COLUMNS.items()})
    except (TypeError, ValueError) as error:
        raise UserError(f"{path}: {RESULTS} has a column of another type: {error}") from error
    return Submission(told, config, results, block.records)


def _check_told(path: Path, told: Any) -> None:
    """Refuse a submission.json with other keys, types or names."""
    found = {key: type(value) for key, value in told.items()} if isinstance(told, dict) else {}
    wrong = [key for key in KEYS.keys() | found.keys() if found.get(key) is not KEYS.get(key)]
    if wrong or not found:
        raise UserError(f"{path}: found no {', '.join(sorted(wrong))} as unpoison submit writes it in {TOLD}")
    if told["format"] != FORMAT:
        raise UserError(f"{path}: found format {told['format']}, allowed: {FORMAT}")
    for key in ("name", "published", "method"):
        if not NAME.fullmatch(told[key]):
            raise UserError(
                f"{path}: found {key} {told[key]!r}, allowed: letters, digits, _ and -, at most 60, no _ or - first"
            )
