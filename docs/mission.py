"""Write the tables and rows on the mission's two studies: `python -m docs.mission`, in the project's folder.

The tables are functions of `mission_false_positives` and `mission_imbalance`. All are made from the pooled tables of
docs/results/false_positives and docs/results/imbalance.
"""

from docs import mission_false_positives as false_positives
from docs import mission_imbalance as imbalance
from docs import mission_rows
from docs.mission_numbers import FALSE, IMBALANCE
from docs.pages import ANSWERS, FRONT, RESULTS, Pages

TABLES = {
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
PAGES = Pages(
    {RESULTS / run / page: TABLES for run in (FALSE, IMBALANCE) for page in ("README.md", "numbers.md")},
    {ANSWERS: mission_rows.lines_of_answers, FRONT: mission_rows.lines_of_front_page},
)


if __name__ == "__main__":
    PAGES.write()
