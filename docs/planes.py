"""Write the tables of the pages on the planes of recall and FPR: `python -m docs.planes`, in the project's folder.

A table stands between `<!-- measured: NAME -->` and `<!-- end of measured -->`, NAME being a function of
`plane_tables`. All are made from the tables beside the page. The rows on the planes in the first tables of README.md
and docs/results/README.md are written too.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from docs import plane_rows, plane_tables
from docs.measured import in_markdown
from docs.mission import with_rows
from docs.mission_numbers import RESULTS
from docs.mission_runs import Rows
from unpoison.runs.options import filled as filled_between

PAGES = [RESULTS / run / page for run in plane_rows.RUNS for page in ("README.md", "numbers.md")]
TABLES: dict[str, Callable[[str], Rows]] = {
    made.__name__: made
    for made in (
        plane_tables.answers,
        plane_tables.healed_over_plane,
        plane_tables.accuracy_over_plane,
        plane_tables.references,
        plane_tables.contrasts,
        plane_tables.detectors,
        plane_tables.biased,
        plane_tables.run_of,
    )
}
ROWS: Mapping[Path, Callable[[], Iterator[str]]] = {
    RESULTS / "README.md": plane_rows.lines_of_answers,
    RESULTS.parents[1] / "README.md": plane_rows.lines_of_front_page,
}


def filled(page: Path) -> str:
    """Return a page with its tables made anew."""
    run = page.parent.name
    text = page.read_text(encoding="utf-8")
    return filled_between(text, "measured", lambda name: in_markdown(TABLES[name](run)))


def with_answers(page: str) -> str:
    """Return docs/results/README.md or README.md with what it shows of the planes made anew."""
    return filled_between(page, "measured", lambda _: in_markdown(plane_rows.seeds_over_recall()))


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page), encoding="utf-8")
    for page, rows in ROWS.items():
        text = with_answers(page.read_text(encoding="utf-8"))
        page.write_text(with_rows(text, rows()), encoding="utf-8")
