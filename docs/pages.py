"""Pages with measured tables, and with rows of their own in the first tables of README.md and docs/results/README.md.

A table stands between `<!-- measured: NAME -->` and `<!-- end of measured -->`. A row is found by its question.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unpoison.runs.options import filled

RESULTS = Path(__file__).parent / "results"
ANSWERS = RESULTS / "README.md"
FRONT = RESULTS.parents[1] / "README.md"
Rows = Iterator[Sequence[str]]


@dataclass(frozen=True)
class Pages:
    """The pages that a script writes. tables: of each page, by name; rows: of the pages ANSWERS and FRONT."""

    tables: Mapping[Path, Mapping[str, Callable[[], Rows]]]
    rows: Mapping[Path, Callable[[], Iterator[str]]] = field(default_factory=dict)

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


def in_markdown(rows: Rows) -> str:
    """Return a table in Markdown; its first row is the head."""
    head, *body = ([str(cell) for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body))


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
