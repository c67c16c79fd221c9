"""The added submissions: a folder each, and their lines on the leaderboard."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from docs.leaderboard.board import SETTING, lines_of

FOLDER = Path(__file__).with_name("submissions")


@dataclass(frozen=True)
class Entry:
    """A submission: its name, the published run that it is compared with, its method and its folder."""

    name: str
    run: str
    method: str
    folder: Path


@cache
def entries() -> list[Entry]:
    """Return the added submissions, by name."""
    found = []
    for path in sorted(FOLDER.glob("*/submission.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        found.append(Entry(path.parent.name, told["published"], told["method"], path.parent))
    return found


def submitted_lines(entry: Entry, own: pd.DataFrame) -> pd.DataFrame:
    """Return the lines of a submission's method, compared with the references of the same file.

    The image passes of EU are those of the published study: equal options give equal counts.

    Args:
        own: the lines of the published study, which determine the settings.
    """
    lines = lines_of(entry.run, pd.read_parquet(entry.folder / "results.parquet"))
    lines = lines[lines["method"] == entry.method].drop(columns=["setting_deletion", "eu_passes"])
    told = own[[*SETTING, "setting_deletion", "eu_passes"]].drop_duplicates()
    lines = lines.merge(told, on=SETTING)
    lines["price"] = lines["passes"] / lines["eu_passes"]
    return lines.assign(submission=entry.name)
