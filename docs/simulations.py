"""Simulate the coverage of the statistics' intervals and rules: `python -m docs.simulations`, two minutes.

It writes docs/results/simulations/tables/*.csv and fills the tables of the pages there. Each row has its own fixed
seed, so that it can be recomputed alone.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from math import inf
from pathlib import Path
from typing import Any

from docs.simulated_shares import means, paired_shares, shares, stopping
from docs.simulated_thresholds import other_laws, r50_errors, r50_intervals, r90_intervals
from unpoison.runs.options import filled as filled_between

FOLDER = Path(__file__).parent / "results/simulations"
PAGES = (FOLDER / "README.md", FOLDER / "thresholds.md")
Row = dict[str, Any]
TABLES: dict[str, Callable[[], Iterator[Row]]] = {
    table.__name__: table
    for table in (
        means,
        shares,
        stopping,
        paired_shares,
        r50_errors,
        r50_intervals,
        r90_intervals,
        other_laws,
    )
}


def printed(row: Row) -> dict[str, str]:
    """Return the values of a row as they are published."""
    return {name: _printed(value) for name, value in row.items()}


def _printed(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return "unbounded" if value == inf else f"{value:.3f}".replace("-0.000", "0.000")


def as_csv(rows: Sequence[Row]) -> str:
    """Return the text of a table's file."""
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(printed(row) for row in rows)
    return text.getvalue()


def in_markdown(name: str) -> str:
    """Return a published table in Markdown."""
    lines = [*csv.reader((FOLDER / "tables" / f"{name}.csv").read_text(encoding="utf-8").splitlines())]
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], ["---"] * len(lines[0]), *lines[1:]])


def filled(page: str) -> str:
    """Return a page with its tables rebuilt from the files."""
    return filled_between(page, "simulated", in_markdown)


if __name__ == "__main__":
    for name, table in TABLES.items():
        (FOLDER / "tables" / f"{name}.csv").write_text(as_csv([*table()]), encoding="utf-8")
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
