"""The output of a poison."""

from collections.abc import Mapping
from dataclasses import dataclass

from unpoison.types import Indices, Labels

Attacks = Mapping[int, tuple[int, int]]


@dataclass(frozen=True)
class Poisoning:
    """The rows that an attacker changed, and the test-time attack on each class.

    rows: positions among the training rows that the poison was given. given_labels, trigger_ids: one for each of these
    rows, -1 for none. attacks: by the label of a class, the trigger stamped on its test images, and the label that the
    attacker wants for them. A trigger of -1 means an attack without a stamp: untouched images of the class are to be
    predicted as another class. Classes that are missing in `attacks` are not attacked. further_attacks: with several
    attacks at once, one such mapping for each attack after the first.

    is_planted: False if the data are used as found. Then rows are those that the user lists as poisoned, their true
    classes are unknown, and attacks describe the user's triggered images. is_known: False if it is unknown which rows
    are poisoned; then rows are empty. With is_planted, no rows and no attacks, every training row is known to be clean.
    """

    rows: Indices
    given_labels: Labels
    trigger_ids: Labels
    attacks: Attacks
    further_attacks: tuple[Attacks, ...] = ()
    is_planted: bool = True
    is_known: bool = True
