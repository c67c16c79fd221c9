"""The user's list of flagged rows: read, reduced to the rows to remove, and written as row ids."""

import csv
from collections.abc import Sequence
from pathlib import Path

from unpoison.errors import UserError
from unpoison.text import from_cell

NAMED = ("path", "row_id")  # columns that name a row
REMOVE = "remove"


def read_flagged(file: str) -> list[str]:
    """Return the row ids that a CSV file flags; with a column `action`, those of rows marked `remove`.

    Raises:
        UserError: for a file that is not readable CSV, without one column path or row_id, and without a row to remove.
    """
    try:
        with Path(file).open(encoding="utf-8-sig", newline="") as text:
            table = csv.DictReader(text, strict=True)
            lines, columns = list(table), list(table.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"flagged: {file} is not a readable CSV file ({error})") from error
    named = [column for column in columns if column in NAMED]
    if len(named) != 1:
        raise UserError(
            f"flagged: {file} has the columns {', '.join(columns) or '(none)'}; allowed: one column path or row_id"
        )
    chosen = [line for line in lines if "action" not in columns or line["action"] == REMOVE]
    ids = [from_cell(line[named[0]]) for line in chosen]
    if any(not row_id for row_id in ids):
        raise UserError(f"flagged: {file} has a row without a {named[0]}")
    if not ids:
        reason = f"{len(lines)} rows, none with the action {REMOVE}" if lines else "no row"
        raise UserError(f"flagged: {file} holds {reason}; nothing would be forgotten")
    return list(dict.fromkeys(ids))


def write_flagged(file: Path, row_ids: Sequence[str]) -> None:
    """Write row ids as a list that a config can name."""
    from unpoison.files import written_whole  # noqa: PLC0415 (numpy, and not for --help)

    with written_whole(file) as temporary, temporary.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows([["row_id"], *([row_id] for row_id in row_ids)])
