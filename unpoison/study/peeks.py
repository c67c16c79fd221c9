"""A cache of class counts and files of sources, kept from one start of Snakemake to the next.

Every start needs them, on a cluster in each job, and counting the labels of large files takes seconds. The cache is
below `.snakemake`, with the stamps of the files (size, times, inode). While these stay the same, no file is opened.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from unpoison.contracts.source import Peek
from unpoison.datasets import SOURCES, peek_source
from unpoison.digests import digest
from unpoison.errors import UserError
from unpoison.files import intact_json, write_json
from unpoison.provenance import stamp
from unpoison.source_files import find
from unpoison.study.code import code_digest

KEPT = Path(".snakemake") / "unpoison_peeks.json"  # in Snakemake's working folder


def peek(kind: str, folder: Path, options: Mapping[str, Any]) -> Peek:
    """Return the counts and files of a source, from the cache if its files have not changed.

    Only a source that names its files is cached: the constant `FILES` of its plug-in lists the options that do.
    """
    named = (options.get(name) for name in SOURCES.constant(kind, "FILES", ()))
    patterns = [pattern for pattern in named if pattern is not None]
    if not patterns:
        return peek_source(kind, folder, options)
    stamps = [[str(path), *stamp(path)] for pattern in patterns for path in find(folder, pattern)]
    asked = json.dumps([kind, str(folder), options, code_digest(SOURCES.code(kind))], sort_keys=True)
    key = digest(asked)
    kept = _read()
    if key in kept and kept[key]["stamps"] == stamps:
        told = kept[key]["peek"]
        return Peek(**{**told, "files": tuple(told["files"])})
    found = peek_source(kind, folder, options)
    if KEPT.parent.exists():
        with suppress(UserError):  # a full disk: the next start counts again
            write_json(KEPT, {"peeks": {**_read(), key: {"stamps": stamps, "peek": asdict(found)}}})
    return found


def _read() -> dict[str, Any]:
    """Return the cache; empty if it cannot be read."""
    with suppress(KeyError):
        return dict((intact_json(KEPT) or {})["peeks"])
    return {}
