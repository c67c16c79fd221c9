"""The output of a poison."""

from collections.abc import Mapping
from dataclasses import dataclass

from unpoison.types import Indices, Labels

Attacks = Mapping[int, tuple[int, int]]


@dataclass(frozen=True)
class Poisoning:
    """The rows that an attacker changed, and what his test-time attack does to each class.

    rows: positions in the training rows handed to the poison; given_labels, trigger_ids: one for each of
    them, -1 for none; attacks: for a class (by label), the trigger that a test image of it is stamped with
    and the label that the attacker wants it to get. A class whose trigger is -1 is attacked as it is: its
    untouched images are to be taken for another class. Classes that are not in `attacks` are not attacked.
    further_attacks: of several attacks at once, what each one after the first does. is_planted: False where the
    data are used as found; then rows are those that the user lists as poisoned, their true classes are not known,
    and attacks are of the triggered images that the user has. is_known: False where nobody knows which rows are
    poisoned; then rows are empty. No rows that are planted, and no attacks: every training row is known to be clean.
    """

    rows: Indices
    given_labels: Labels
    trigger_ids: Labels
    attacks: Attacks
    further_attacks: tuple[Attacks, ...] = ()
    is_planted: bool = True
    is_known: bool = True
