"""Rows that are held out of a repair: in folds for the held-out check, a fifth of the flagged rows for tuning."""

import numpy as np

from unpoison.errors import UserError
from unpoison.rows import Rows
from unpoison.seeds import priorities
from unpoison.types import Flagged, Labels, LeftOut

FEWEST_FOLDS, MOST_FOLDS = 2, 20
CONTROLS = 0.1  # largest share of the unflagged rows of a class
FIFTHS = 5
WANTED = 20  # control rows of a class with few flagged rows


def folds_of(train: Rows, flagged: Flagged, folds: int, seed: int) -> Labels:
    """Return the fold (n,) that leaves each training row out, -1 for rows in no fold.

    Each flagged row is in one fold. So are control rows: unflagged rows of the classes (by given label) that have a
    flagged row. A class has as many control rows as flagged rows, but at least 20, and at most a tenth of its unflagged
    rows. Both kinds are dealt class by class in a random order by row id.

    Args:
        flagged: positions among the training rows.

    Raises:
        UserError: for fewer flagged rows than folds.
    """
    check_folds(folds, len(flagged))
    is_flagged = np.isin(np.arange(len(train)), flagged)
    order = np.argsort(priorities(train.row_id, "held out", seed), kind="stable")
    fold = np.full(len(train), -1, dtype=np.int64)
    dealt: tuple[list[int], list[int]] = ([], [])
    for label in np.unique(train.given_label[is_flagged]):
        of_class = order[train.given_label[order] == label]
        accused, others = of_class[is_flagged[of_class]], of_class[~is_flagged[of_class]]
        controls = min(max(len(accused), WANTED), int(CONTROLS * len(others)))
        dealt[0].extend(accused)
        dealt[1].extend(others[:controls])
    for queue in dealt:
        fold[queue] = np.arange(len(queue)) % folds
    return fold


def check_folds(folds: object, flagged: int | None = None) -> None:
    """Refuse an invalid number of folds, and one larger than the number of flagged rows."""
    if (
        not isinstance(folds, int | np.integer)
        or isinstance(folds, bool)
        or not FEWEST_FOLDS <= folds <= MOST_FOLDS
    ):
        raise UserError(f"folds: found {folds!r}, allowed: an integer from {FEWEST_FOLDS} to {MOST_FOLDS}")
    if flagged is not None and flagged < folds:
        raise UserError(
            f"the held-out check needs a flagged row for each of its {folds} folds; found {flagged} flagged rows"
        )


def fifth_of(train: Rows, flagged: Flagged, seed: int) -> LeftOut:
    """Return the positions of a fifth of the flagged rows, rounded up: those of the first of five folds.

    Args:
        flagged: positions among the training rows.

    Raises:
        UserError: for fewer than five flagged rows.
    """
    check_fifth(len(flagged))
    return flagged[folds_of(train, flagged, FIFTHS, seed)[flagged] == 0]


def check_fifth(flagged: int) -> None:
    """Refuse a deletion set that is too small to hold a fifth out."""
    if flagged < FIFTHS:
        raise UserError(
            f"a tuning holds out a fifth of its deletion set: found {flagged} rows, allowed: {FIFTHS} or more"
        )
