"""Which rows the held-out check leaves out: flagged rows in folds, and control rows beside them."""

import numpy as np

from unpoison.errors import UserError
from unpoison.rows import Rows
from unpoison.seeds import priorities
from unpoison.types import Indices, Labels

FEWEST_FOLDS, MOST_FOLDS = 2, 20
CONTROLS = 0.1  # of the rows of a class that nobody flagged, at most
WANTED = 20  # control rows of a class with few flagged rows


def folds_of(train: Rows, flagged: Indices, folds: int, seed: int) -> Labels:
    """Return the fold (n,) that leaves each training row out, -1 for rows that none does.

    Each flagged row is in one fold. So are control rows: unflagged rows of the classes (by given label) that have a
    flagged row, as many as the flagged rows of the class (at least 20), at most a tenth of the unflagged ones. Both are
    dealt class by class in a random order by row id.

    Args:
        flagged: positions among the training rows.

    Raises:
        UserError: for fewer flagged rows than folds.
    """
    check_folds(folds, len(flagged))
    is_flagged = np.isin(np.arange(len(train)), flagged)
    order = np.argsort(priorities(train.row_id, "held out", seed), kind="stable")
    fold = np.full(len(train), -1, dtype=np.int64)
    for kind, dealt in (("flagged", is_flagged), ("control", ~is_flagged)):
        queue = [
            row
            for label in np.unique(train.given_label[is_flagged])
            for row in _chosen(
                order[(dealt & (train.given_label == label))[order]], kind, label, train, is_flagged
            )
        ]
        fold[queue] = np.arange(len(queue)) % folds
    return fold


def _chosen(rows: Indices, kind: str, label: int, train: Rows, is_flagged: np.ndarray) -> Indices:
    if kind == "flagged":
        return rows
    of_class = int((is_flagged & (train.given_label == label)).sum())
    return rows[: min(max(of_class, WANTED), int(CONTROLS * len(rows)))]


def check_folds(folds: object, flagged: int | None = None) -> None:
    """Refuse a number of folds that is none, or larger than the number of flagged rows."""
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
