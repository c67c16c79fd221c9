"""The record of a tuning, as YAML: for people, and for the jobs that run a method with what was chosen."""

from collections.abc import Mapping
from typing import Any

import yaml

from unpoison.damage import DamagedError
from unpoison.digests import crc
from unpoison.files import CHECKSUM, require_intact, written_whole


def write_tuned(path: str, record: Mapping[str, Any]) -> None:
    """Write a record whose `options` are those that were chosen."""
    text = yaml.safe_dump(dict(record), sort_keys=False)
    with written_whole(path) as temporary:
        temporary.write_text(f"{text}{CHECKSUM}: '{crc(text.encode())}'\n", encoding="utf-8")


def options_of(spec: Mapping[str, Any], tuned: str | None) -> dict[str, Any]:
    """All options of a method: those that the config decides, and those that were chosen where it is tuned."""
    return {**spec["options"], **(_chosen(tuned) if tuned else {})}


def _chosen(tuned: str) -> dict[str, Any]:
    path = require_intact(tuned)
    text, _, seal = path.read_text(encoding="utf-8", errors="replace").rpartition(f"{CHECKSUM}: ")
    if seal.strip() != f"'{crc(text.encode())}'":
        raise DamagedError(path)
    return yaml.safe_load(text)["options"]
