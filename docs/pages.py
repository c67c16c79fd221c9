"""Pages with measured tables, and with rows of their own in the first tables of README.md and docs/results/README.md.

A table stands between `<!-- measured: NAME -->` and `<!-- end of measured -->`. A row is found by its question.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from docs.measured import in_markdown
from docs.mission_numbers import RESULTS
from docs.mission_runs import Rows
from unpoison.runs.options import filled

ANSWERS = RESULTS / "README.md"
FRONT = RESULTS.parents[1] / "README.md"


@dataclass(frozen=True)
class Pages:
    """The pages that a script writes. tables: of each page, by name; rows: of the pages ANSWERS and FRONT."""

    tables: Mapping[Path, Mapping[str, Callable[[], Rows]]]
    rows: Mapping[Path, Callable[[], Iterator[str]]]

    def made(self, page: Path) -> str:
        """Return the text of a page with its tables and rows made anew."""
        text = page.read_text(encoding="utf-8")
        if page in self.tables:
            text = filled(text, "measured", lambda name: in_markdown(self.tables[page][name]()))
        return with_rows(text, self.rows[page]()) if page in self.rows else text

    def write(self) -> None:
        """Write every page."""
        for page in {**self.tables, **self.rows}:
            page.write_text(self.made(page), encoding="utf-8")


def with_rows(page: str, rows: Iterator[str]) -> str:
    """Return a page with some rows of its tables replaced: a row for the row with the same first cell."""
    made = {first_cell(row): row for row in rows}
    lines = page.split("\n")
    lost = made.keys() - set(map(first_cell, lines))
    if lost:
        raise ValueError(f"no row with the question {min(lost)!r}")
    return "\n".join(made.get(first_cell(line), line) for line in lines)


def first_cell(line: str) -> str:
    """Return the text before the second bar of a line, without the bars."""
    return line.split("|")[1].strip() if line.startswith("|") else ""
