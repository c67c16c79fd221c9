"""Provenance of every model: the run records of a results folder as one table."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from unpoison.damage import DamagedError
from unpoison.levels import MODEL
from unpoison.provenance import PACKAGES, options_digest, read_record, record_of
from unpoison.rules import REFERENCE_MODELS

VERSIONS = ("python", *PACKAGES)
SHORT = 10  # characters of a commit in sentences


def trace(records: Iterable[str | Path]) -> pd.DataFrame:
    """Return one line for each of the given records and for each record of their direct and indirect inputs.

    The identity columns of the results table locate the line of a model's training or unlearning. `is_current` is true
    if all inputs are still the files that the artifact was made from.
    """
    lines = sorted(_walk(map(str, records)), key=lambda line: line["record"])
    return pd.DataFrame(lines).astype(
        {"seed": "Int64", "dirty": "boolean", "seconds": "float64", "image_passes": "Int64"}
    )


def _walk(records: Iterable[str]) -> Iterator[dict[str, Any]]:
    known: dict[str, dict[str, Any]] = {}
    asked: set[str] = set()  # files whose record was looked for
    frontier = list(records)
    while frontier:
        path = frontier.pop()
        if path in known:
            continue
        known[path] = _read(path)
        for file in known[path]["inputs"]:
            if file not in asked:
                asked.add(file)
                found = record_of(file)
                frontier += [str(found)] if found else []
    told = {file: digest for record in known.values() for file, digest in record["outputs"].items()}
    for path, record in known.items():
        current = all(told.get(file, digest) == digest for file, digest in record["inputs"].items())
        yield _line(path, record, current)


def _read(path: str) -> dict[str, Any]:
    record = read_record(path)
    if record is None:
        raise DamagedError(Path(path), fault="is damaged: it fails its checksum or is of another version")
    return record


def _line(path: str, record: dict[str, Any], current: bool) -> dict[str, Any]:
    identity = {"method": REFERENCE_MODELS.get(record["step"]), **record["identity"]}
    seed = str(identity.get("seed"))  # a wildcard is text
    identity["seed"] = int(seed) if seed.isdecimal() else None
    return {
        "step": record["step"],
        **{level: identity.get(level) for level in MODEL},
        "record": path,
        "commit": record.get("commit"),
        "dirty": record.get("dirty"),
        "code": record["spec"].get("code"),
        "options": options_digest(record["spec"]),
        "device": record.get("device"),
        "threads": record.get("threads"),
        "host": record.get("host"),
        "processor": record.get("processor"),
        "seconds": record.get("seconds"),
        "image_passes": record.get("image_passes"),
        "finished": record.get("finished"),
        **{name: record["versions"].get(name) for name in VERSIONS},
        "is_current": current,
        "inputs": json.dumps(record["inputs"]),
        "outputs": json.dumps(record["outputs"]),
    }


def doubts(records: pd.DataFrame) -> list[str]:
    """Return the provenance warnings, one sentence each; empty if the records are consistent."""
    said = []
    commits = records["commit"].dropna().value_counts()
    if len(commits) > 1:
        counts = ", ".join(f"{str(commit)[:SHORT]} ({count})" for commit, count in commits.items())
        said.append(f"The results mix {len(commits)} commits of the code (artifacts of each): {counts}.")
    dirty = int(records["dirty"].fillna(False).sum())
    if dirty:
        said.append(f"{_of(dirty, records)} made by code with uncommitted changes.")
    unknown = int(records["commit"].isna().sum())
    if unknown:
        said.append(f"{_of(unknown, records)} made outside a git checkout; their commit is not known.")
    for name in VERSIONS:
        versions = sorted(set(records[name].dropna()))
        if len(versions) > 1:
            said.append(f"The results mix {len(versions)} versions of {name}: {', '.join(versions)}.")
    stale = int((~records["is_current"]).sum())
    if stale:
        said.append(f"{_of(stale, records)} made from files that have been rebuilt since.")
    return said


def _of(count: int, records: pd.DataFrame) -> str:
    every = "All" if count == len(records) else f"{count} of"
    return f"{every} {len(records)} artifacts were"
