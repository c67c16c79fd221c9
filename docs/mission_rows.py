"""The rows on the mission's two studies in the first tables of README.md and docs/results/README.md.

`python -m docs.mission` puts them there.
"""

from collections.abc import Iterator

from docs.mission_numbers import (
    CF,
    EU,
    EXCHANGED,
    FALSE,
    IMBALANCE,
    SHORT,
    capital,
    caution,
    contrast,
    gained,
    healed_at_a_fifth,
    healed_of,
    lost,
    method_key,
    points,
    sure,
)


def lines_of_answers() -> Iterator[str]:
    """Yield the rows on these two studies in the table of docs/results/README.md."""
    page = f"[false alarms]({FALSE}/README.md)"
    for method in (EU, CF):
        row = contrast(FALSE, FALSE, f"adversarial_cost_{method_key(method)}")
        yield (
            f"| What do false alarms cost {SHORT[method]} that take the place of poisons (Cf = 0.4)? "
            f"| {capital(lost(row))} | {sure(row)} | {page} |"
        )
    told, intervals, test = healed_at_a_fifth()
    yield f"| And at Cf = 0.2, how many seeds are healed? | {told} | {intervals}; {test} | {page} |"
    for method in (EU, CF):
        row = contrast(FALSE, "false_positives_fpr", f"clean_cost_{method_key(method)}")
        yield (
            f"| What do 40 % of the clean rows on top of all poisons cost {SHORT[method]}? "
            f"| {capital(lost(row))} | {sure(row)} | {page} |"
        )
    page = f"[imbalance]({IMBALANCE}/README.md)"
    asked = {
        "gain_with_imbalance": "Does EU gain more beside 1,000 cats than beside 5,000?",
        "gain_of_cats_with_imbalance": "For the cats, the small class?",
        "gain_of_dogs_with_imbalance": "For the dogs, the large class?",
    }
    for study in (IMBALANCE, EXCHANGED):
        corners = ", with the corners exchanged" if study == EXCHANGED else ""
        for name, question in asked.items():
            row = contrast(IMBALANCE, study, name)
            told = f"{capital(gained(row, 'points more beside 1,000'))}{caution(study, name)}"
            yield f"| {question.replace('?', f'{corners}?')} | {told} | {sure(row)} | {page} |"


def lines_of_front_page() -> Iterator[str]:
    """Yield the rows on these two studies in the table of README.md."""
    counts = {method: healed_of(FALSE, method, 0.2) for method in (EU, CF)}
    told = ", ".join(
        f"{SHORT[method]} healed {line['healed']} of {line['n']} seeds" for method, line in counts.items()
    )
    yield f"| And if a fifth of the flagged rows are clean instead of poisoned? | {told} |"
    row = contrast(FALSE, "false_positives_fpr", "clean_cost_eu")
    told = f"{capital(lost(row))} ({points(row)}, {row['n']} seeds)"
    yield f"| What does it cost EU to delete 40 % of the clean rows too? | {told} |"
    for study, question in {
        IMBALANCE: "Does EU gain more for cats if they are few?",
        EXCHANGED: "And with their patch in the corner where the attack is learned?",
    }.items():
        row = contrast(IMBALANCE, study, "gain_of_cats_with_imbalance")
        told = gained(row, "points more for 1,000 cats than for 5,000")
        weak = caution(study, "gain_of_cats_with_imbalance")
        yield f"| {question} | {capital(told)} ({points(row)}, {row['n']} seeds){weak} |"
