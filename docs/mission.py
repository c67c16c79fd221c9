"""Write the tables and rows on the mission's two studies: `python -m docs.mission`, in the project's folder.

A table stands between `<!-- measured: NAME -->` and `<!-- end of measured -->`, NAME being a function of
`mission_false_positives` or `mission_imbalance`. All are made from the pooled tables of docs/results/false_positives
and docs/results/imbalance. A row of the first table of README.md or docs/results/README.md is found by its question.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from docs import mission_false_positives as false_positives
from docs import mission_imbalance as imbalance
from docs import mission_rows
from docs.measured import in_markdown
from docs.mission_numbers import FALSE, IMBALANCE, RESULTS
from docs.mission_runs import Rows
from unpoison.runs.options import filled as filled_between

PAGES = [RESULTS / run / page for run in (FALSE, IMBALANCE) for page in ("README.md", "numbers.md")]
TABLES: dict[str, Callable[[], Rows]] = {
    made.__name__: made
    for made in (
        false_positives.false_positives_answers,
        false_positives.false_positives_healed,
        false_positives.false_positives_accuracy,
        false_positives.false_positives_references,
        false_positives.false_positives_contrasts,
        false_positives.false_positives_blocks,
        imbalance.imbalance_answers,
        imbalance.imbalance_healed,
        imbalance.imbalance_attack,
        imbalance.imbalance_accuracy,
        imbalance.imbalance_contrasts,
        imbalance.imbalance_blocks,
    )
}

ROWS: Mapping[Path, Callable[[], Iterator[str]]] = {
    RESULTS / "README.md": mission_rows.lines_of_answers,
    RESULTS.parents[1] / "README.md": mission_rows.lines_of_front_page,
}


def filled(page: str) -> str:
    """Return a page with its tables made anew."""
    return filled_between(page, "measured", lambda name: in_markdown(TABLES[name]()))


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


def write() -> None:
    """Write every page."""
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
    for page, rows in ROWS.items():
        page.write_text(with_rows(page.read_text(encoding="utf-8"), rows()), encoding="utf-8")


if __name__ == "__main__":
    write()
