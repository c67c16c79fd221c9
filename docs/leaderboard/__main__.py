"""Rebuild the leaderboard, in the project's folder: `python -m docs.leaderboard`, or `... add FILE [KEY=VALUE]`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from docs.leaderboard import dataset
from docs.leaderboard.page import PAGE, filled
from docs.leaderboard.submissions import add
from unpoison.errors import UserError


def main(words: Sequence[str]) -> None:
    """Add the submission that is named, and write page, table and description."""
    if words:
        command, *rest = words
        if command != "add" or not rest:
            raise UserError(f"found {' '.join(words)}, allowed: nothing, or add FILE [KEY=VALUE]")
        print(add(Path(rest[0]), rest[1:]))
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    dataset.write()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"error: {error}")
