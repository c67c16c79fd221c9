"""Add a submission to the leaderboard: `python -m docs.leaderboard add FILE`."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from docs.leaderboard import board
from docs.leaderboard.entries import FOLDER, Entry, entries, submitted_lines
from unpoison.command.reproducing import words_of
from unpoison.errors import UserError, one_of
from unpoison.runs.read import plan_of
from unpoison.runs.submission import RESULTS, read_submission, unpacked
from unpoison.runs.submission_checks import check_submission


def add(path: Path, keys: Sequence[str] = ()) -> str:
    """Check a submission, put its files into `submissions/NAME/`, and return a line of confirmation.

    Args:
        keys: of the published config, such as `data_folder=FOLDER`; needed if the published provenance has no
            options and the study uses images of a data set.

    Raises:
        UserError: for a submission that cannot be compared with its published run, and for a name that is taken.
    """
    made = read_submission(path)
    name, run, method = (str(made.told[key]) for key in ("name", "published", "method"))
    if run not in board.runs():
        raise one_of("published run", run, board.runs())
    own = board.lines_of(run, board.published(run))
    folder = FOLDER / name
    if folder.exists():
        raise UserError(f"{path}: found the name {name}, which is taken; allowed: another name")
    if method in {entry.method for entry in entries() if entry.run == run}:
        raise UserError(f"{path}: found the method {method}, which {run} has already; allowed: another name")
    published = board.RESULTS / run
    check_submission(made, published, lambda: plan_of([*words_of(published), *keys]))
    settings = set(own[board.SETTING].itertuples(index=False, name=None))
    there = set(made.results[board.SETTING].itertuples(index=False, name=None))
    if not settings & there:
        raise UserError(f"{path}: found no setting of the leaderboard, allowed: studies that its page has")
    parts = unpacked(path)
    folder.mkdir(parents=True)
    try:
        for part, content in parts.items():
            (folder / part).write_bytes(content)
        lines = submitted_lines(Entry(name, run, method, folder), own)
        if lines.empty:
            raise UserError(f"{path}: found no seed with an outcome for {method}, allowed: one or more")
    except BaseException:
        shutil.rmtree(folder)
        raise
    entries.cache_clear()
    rows = len(pd.read_parquet(folder / RESULTS))
    return f"{folder}: {rows:,} measurements, lines on the leaderboard: {len(lines)}"
