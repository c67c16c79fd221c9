"""Write the tables and rows on the planes of recall and FPR: `python -m docs.planes`, in the project's folder.

The tables are functions of `plane_tables`. All are made from the tables beside the page.
"""

from functools import partial

from docs import plane_rows, plane_tables
from docs.pages import ANSWERS, FRONT, RESULTS, Pages

TABLES = (
    plane_tables.answers,
    plane_tables.healed_over_plane,
    plane_tables.accuracy_over_plane,
    plane_tables.references,
    plane_tables.contrasts,
    plane_tables.detectors,
    plane_tables.biased,
    plane_tables.run_of,
)
PAGES = Pages(
    {
        **{
            RESULTS / run / page: {made.__name__: partial(made, run) for made in TABLES}
            for run in plane_rows.RUNS
            for page in ("README.md", "numbers.md")
        },
        ANSWERS: {"seeds_over_recall": plane_rows.seeds_over_recall},
    },
    {ANSWERS: plane_rows.lines_of_answers, FRONT: plane_rows.lines_of_front_page},
)


if __name__ == "__main__":
    PAGES.write()
