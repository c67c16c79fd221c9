"""Predictions of models on the rows that the held-out check leaves out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unpoison.answers import Answers, joined
from unpoison.errors import UserError
from unpoison.rows import Rows
from unpoison.types import Flagged, Indices, Labels, LeftOut, Mask


@dataclass(frozen=True)
class Readings:
    """Predictions of models on the rows that a fold leaves out: flagged rows and control rows.

    label: (n,) the given label; fold: (n,) the fold, from 0; is_flagged: (n,) false for control rows; held_out: (n,)
    whether the model that was repaired without the row's fold predicts its given label; reference: (n,) the same for
    a network trained from scratch without any of the rows; is_doubted: (n,) whether the poisoned model's log-odds of
    the given label are below the median of the unflagged training rows of the class.
    """

    label: Labels
    fold: Labels
    is_flagged: Mask
    held_out: Mask
    reference: Mask
    is_doubted: Mask


def readings_of(
    rows: Rows, flagged: Flagged, held_out: Sequence[Answers], reference: Answers, base: Answers
) -> Readings:
    """Return the readings of a check, from the answers of its models.

    Args:
        rows: the whole table of the data set.
        flagged: positions among the training rows.
        held_out: for each fold, the answers on its rows of the model that was repaired without the fold.
        reference: the answers of the reference model on the rows of all folds.
        base: the answers of the poisoned model on all training rows as it was trained on them.

    Raises:
        UserError: if the folds and the reference model have answers on different rows.
    """
    told = joined(held_out)
    fold = np.repeat(np.arange(len(held_out)), [len(part) for part in held_out])
    order = np.argsort(told.row, kind="stable")
    told, fold = told.take(order), fold[order]
    if not np.array_equal(told.row, np.sort(reference.row)):
        raise UserError(
            f"found {len(told)} rows that the folds left out and {len(reference)} that the reference did; allowed: the "
            "same rows"
        )
    reference = reference.take(np.argsort(reference.row, kind="stable"))
    train, label = np.flatnonzero(rows.split == "train"), rows.given_label[told.row]
    is_flagged = np.isin(told.row, train[flagged])
    return Readings(
        label,
        fold,
        is_flagged,
        told.predicted == label,
        reference.predicted == label,
        _is_doubted(rows, told.row, np.setdiff1d(train, train[flagged]), base),
    )


def _is_doubted(rows: Rows, asked: Indices, unflagged: LeftOut, base: Answers) -> Mask:
    """Return whether the log-odds of the given label are below the median of the unflagged rows of the class."""
    log_odds = np.full(len(rows), np.nan)
    log_odds[base.row] = base.given_log_odds
    median = np.full(
        len(rows.class_names), np.inf
    )  # a class of flagged rows alone has no median, so all its rows count as doubted
    for label in np.unique(rows.given_label[unflagged]):
        median[label] = np.median(log_odds[unflagged[rows.given_label[unflagged] == label]])
    return log_odds[asked] < median[rows.given_label[asked]]
