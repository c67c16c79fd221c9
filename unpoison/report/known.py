"""The report's sentences on a study's attack: who planted it or that nobody did, and what its numbers can tell."""

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
    "A training set was poisoned, a detector flagged some of its rows, right or wrong, and unlearning methods repair "
    "the model by forgetting what was flagged. A model is healed where less than half of the attack survives, and "
    "clean accuracy is at most 10 points below that of the model as it was"
)
FOUND_LEAD = (
    "A training set is used as it was found: nothing is planted in it. A detector or the data's owner flagged some "
    "of its rows, and unlearning is told to forget them. This page reports what each method changes, and at what cost"
)
BOTH = (
    "Studies of data as found plant nothing. Each study says what its numbers can tell. In the others a training set "
    "was poisoned, a detector flagged some of its rows, right or wrong, and unlearning is told to forget them. This "
    "page reports what each method repairs, and at what cost"
)

CONTROL_LEAD = (
    "Nothing is planted in the training set, and every row of it counts as clean. A detector flagged some of its rows, "
    "all of them false alarms, and unlearning is told to forget them. This page reports how many rows each detector "
    "accuses, and what it costs to forget them"
)
CONTROL = "Studies of an unpoisoned set plant nothing: all that is flagged there is a false alarm"


def lead_of(attacks: Collection[str]) -> str:
    """Return the first paragraph of the page, by the kinds of attack of its studies."""
    others = set(attacks) - {UNPOISONED}
    if not others:
        return CONTROL_LEAD
    found = others & set(FOUND)
    lead = PLANTED_LEAD if not found else FOUND_LEAD if found == others else BOTH
    if others == set(attacks):
        return lead
    return f"{CONTROL}. {lead}" if lead == BOTH else f"{CONTROL}. In the others {lead[0].lower()}{lead[1:]}"


def standing(summary: pd.DataFrame, attack: str) -> Iterator[Finding]:
    """State what a study's numbers cannot tell, where the attack is not planted on clean data.

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
            "There is no oracle, which would be trained on the rows of the model itself.",
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
        text += " Whether a repair works is told by the user's triggered images alone."
    else:
        what = "clean accuracy tells" if CLEAN in set(summary["metric"]) else "the numbers tell"
        text += f" Here {what} what a repair costs, not whether it removed what was suspected."
    yield Finding("measured", text)


def model_of(attack: str) -> str:
    """Return the name of the unrepaired model in sentences."""
    return "the model" if attack in UNPLANTED else "the poisoned model"
