"""The record of a tuning, as YAML: for people, and for the jobs that run a method with the chosen options."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from unpoison.damage import DamagedError
from unpoison.digests import crc
from unpoison.files import CHECKSUM, require_intact, written_whole
from unpoison.trials import Trial, choose, search_passes, trials_of


def write_tuned(path: str, record: Mapping[str, Any]) -> None:
    """Write a record that `record_of` made."""
    text = yaml.safe_dump(dict(record), sort_keys=False)
    with written_whole(path) as temporary:
        temporary.write_text(f"{text}{CHECKSUM}: '{crc(text.encode())}'\n", encoding="utf-8")


def options_of(spec: Mapping[str, Any], tuned: str | None) -> dict[str, Any]:
    """Return all options of a method: those of the config, and those chosen within its budget if it is tuned."""
    if not tuned:
        return dict(spec["options"])
    return {**spec["options"], **choose(_trials(require_intact(tuned)), spec.get("budget")).options}


def tuning_passes(spec: Mapping[str, Any], tuned: str | None) -> float | None:
    """Return the weighted passes of the search that chose a method's options; None without a search."""
    return search_passes(_trials(require_intact(tuned)), spec.get("budget")) if tuned else None


def _trials(path: Path) -> list[Trial]:
    text, _, seal = path.read_text(encoding="utf-8", errors="replace").rpartition(f"{CHECKSUM}: ")
    if seal.strip() != f"'{crc(text.encode())}'":
        raise DamagedError(path)
    try:
        return trials_of(yaml.safe_load(text))
    except (KeyError, TypeError) as error:
        raise DamagedError(path, fault="is of another version: its trials are not ours") from error
