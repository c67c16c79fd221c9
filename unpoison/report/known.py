"""The report's sentences on a study's attack: whether it was planted, and what the numbers show in that case."""

from collections.abc import Collection, Iterator

import pandas as pd

from unpoison.attack_kinds import (
    AS_FOUND,
    AS_FOUND_LISTED,
    FOUND,
    NOTES,
    ON_SUSPECT_DATA,
    UNPLANTED,
    UNPOISONED,
)
from unpoison.report.words import Finding, capital
from unpoison.results import CLEAN, robust_metric

PLANTED_LEAD = (
    "A training set was poisoned. A detector flagged some of its rows, with errors, and unlearning methods repair the "
    "model by forgetting the flagged rows. A model is healed if less than half of the attack survives and clean "
    "accuracy is at most 10 points below that of the unrepaired model"
)
FOUND_LEAD = (
    "A training set is used as it was found: nothing is planted in it. A detector or the data's owner flagged some "
    "of its rows, and the methods unlearn them. This page reports the change that each method makes, and its cost"
)
BOTH = (
    "Studies of data as found plant nothing, and each says what its numbers can show. In the others a training set "
    "was poisoned. A detector flagged some of its rows, with errors, and the methods unlearn them. This page reports "
    "the effect of each repair, and its cost"
)
CONTROL_LEAD = (
    "Nothing is planted in the training set, and every row of it counts as clean. A detector flagged some of its rows, "
    "all of them false alarms, and the methods unlearn them. This page reports the number of rows that each detector "
    "flags, and the cost of unlearning them"
)
CONTROL = "Studies of an unpoisoned set plant nothing: every flagged row there is a false alarm"


def lead_of(attacks: Collection[str]) -> str:
    """Return the first paragraph of the page, without its full stop, by the kinds of attack of its studies."""
    others = set(attacks) - {UNPOISONED}
    if not others:
        return CONTROL_LEAD
    found = others & set(FOUND)
    lead = PLANTED_LEAD if not found else FOUND_LEAD if found == others else BOTH
    if others == set(attacks):
        return lead
    return f"{CONTROL}. {lead}" if lead == BOTH else f"{CONTROL}. In the others {lead[0].lower()}{lead[1:]}"


def standing(summary: pd.DataFrame, attack: str) -> Iterator[Finding]:
    """Yield the limits of a study's numbers, if its attack is not planted on clean data.

    Args:
        summary: the rows of the study.
        attack: its kind of attack.
    """
    if attack == ON_SUSPECT_DATA:
        yield Finding("measured", f"{capital(NOTES[attack])}.")
        return
    if attack == UNPOISONED:
        yield Finding(
            "measured",
            "Nothing is planted: every training row counts as clean, and every row of a deletion set is a false alarm. "
            "There is no oracle: it would train on the same rows as the model.",
        )
        return
    if attack not in FOUND:
        return
    text = "The data are used as found: nothing is planted"
    if attack == AS_FOUND:
        text += ", and nobody knows which training rows are wrong."
    elif attack == AS_FOUND_LISTED:
        text += ", and recall and false alarms are counted by the user's list of poisoned rows."
    if robust_metric(summary):
        text += " Only the user's triggered images show whether a repair works."
    else:
        what = "clean accuracy shows" if CLEAN in set(summary["metric"]) else "the numbers show"
        text += f" Here {what} the cost of a repair, not whether it removed what was suspected."
    yield Finding("measured", text)


def model_of(attack: str) -> str:
    """Return the name of the unrepaired model in sentences."""
    return "the model" if attack in UNPLANTED else "the poisoned model"
