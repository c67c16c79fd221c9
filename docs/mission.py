"""Write the tables of the pages on the mission's two studies: `python -m docs.mission`, in the project's folder.

A table stands between `<!-- measured: NAME -->` and `<!-- end of measured -->`, NAME being a function of
`mission_false_positives` or `mission_imbalance`. All are made from the pooled tables of docs/results/false_positives
and docs/results/imbalance.
"""

from collections.abc import Callable

from docs import mission_false_positives as false_positives
from docs import mission_imbalance as imbalance
from docs.measured import in_markdown
from docs.mission_numbers import FALSE, IMBALANCE, RESULTS
from docs.mission_runs import Rows
from unpoison.runs.options import filled as filled_between

PAGES = [RESULTS / FALSE / "README.md", RESULTS / IMBALANCE / "README.md", RESULTS / IMBALANCE / "numbers.md"]
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


def filled(page: str) -> str:
    """Return a page with its tables made anew."""
    return filled_between(page, "measured", lambda name: in_markdown(TABLES[name]()))


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
