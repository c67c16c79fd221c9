"""The report's sentences on a study's attack: who planted it or that nobody did, and what its numbers can tell."""

from collections.abc import Collection, Iterator

import pandas as pd

from unpoison.attack_kinds import AS_FOUND, AS_FOUND_LISTED, FOUND, NOTES, ON_SUSPECT_DATA
from unpoison.report.words import Finding, capital
from unpoison.results import CLEAN, robust_metric

PLANTED_LEAD = (
    "A training set was poisoned. A detector flagged some of its rows: it may have missed poisoned ones and accused "
    "clean ones (simulated, in the counts that the settings give, unless a study names a real detector). Unlearning "
    "is told to forget what was flagged. This page reports which method repairs the model best, at what cost, and what "
    "the detector's mistakes do to it"
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


def lead_of(attacks: Collection[str]) -> str:
    """Return the first paragraph of the page, by the kinds of attack of its studies."""
    found = set(attacks) & set(FOUND)
    if not found:
        return PLANTED_LEAD
    return FOUND_LEAD if found == set(attacks) else BOTH


def title_of(attacks: Collection[str]) -> str:
    """The page's title: where nobody knows the truth, no method can be called the best."""
    if set(attacks) == {AS_FOUND}:
        return "What does each unlearning method change?"
    return "Which unlearning method repairs the model best?"


def standing(summary: pd.DataFrame, attack: str) -> Iterator[Finding]:
    """State what a study's numbers cannot tell, where the attack is not planted on clean data.

    Args:
        summary: the rows of the study.
        attack: its kind of attack.
    """
    if attack == ON_SUSPECT_DATA:
        yield Finding("measured", f"{capital(NOTES[attack])}.")
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
    return "the model" if attack in FOUND else "the poisoned model"
