"""Deletion sets: the number of poisoned and clean rows in each, and the choice of the rows."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from unpoison.bias import Views, draw_biased
from unpoison.contracts.deletion import Deletion
from unpoison.contracts.scores import Scores
from unpoison.errors import UserError
from unpoison.files import read_columns, write_columns
from unpoison.row_lists import find_rows, read_row_ids
from unpoison.rows import Rows
from unpoison.scores import auroc, average_precision, choose_flagged, read_scores
from unpoison.seeds import draw
from unpoison.shares import count_of, exact
from unpoison.types import Indices


def count_deletion(
    poisoned: int,
    clean: int,
    *,
    size: int | None = None,
    recall: float | None = None,
    fpr: float | None = None,
    fdr: float | None = None,
) -> tuple[int, int]:
    """Return the exact numbers of true and false positives of a deletion set, rounded half to even.

    Either `size` (Sf) or `recall` sets the rows that are found, and `fpr` or `fdr` the false alarms (none when
    left out):
    size and fpr: fp = fpr * clean, tp = size - fp; size and fdr: fp = fdr * size, tp = size - fp;
    recall and fpr: tp = recall * poisoned, fp = fpr * clean; recall and fdr: fp = tp * fdr / (1 - fdr).
    For an unpoisoned set only `recall: 0` with `fpr` has a meaning: false alarms without true positives.

    Raises:
        UserError: for any other combination, and for counts that cannot be met, naming the numbers.
    """
    if (size is None) == (recall is None) or (fpr is not None and fdr is not None):
        found = {"size": size, "recall": recall, "fpr": fpr, "fdr": fdr}
        given = (
            ", ".join(f"{key}: {value}" for key, value in found.items() if value is not None) or "(nothing)"
        )
        raise UserError(f"a deletion set takes size or recall, and fpr or fdr or neither; found {given}")
    if not poisoned and (recall != 0 or fdr is not None):
        asked = "size" if size is not None else "fdr" if recall == 0 else "recall"
        raise UserError(
            f"no training row is poisoned, so a set by {asked} has no meaning; allowed: a detector, a list of rows, or "
            "recall: 0 with fpr, which draws false alarms alone"
        )
    if fdr == 1 and size is None:
        raise UserError("a deletion set with recall cannot have fdr: 1; fdr must be below 1")
    if size is not None:
        false = count_of(fdr, size) if fdr is not None else count_of(fpr or 0.0, clean)
        true = size - false
    else:
        true = count_of(recall or 0.0, poisoned)
        odds = exact(fdr or 0.0) / (1 - exact(fdr or 0.0))
        false = count_of(fpr, clean) if fpr is not None else round(Fraction(true) * odds)
    _check_counts(true, false, poisoned, clean)
    return true, false


def _check_counts(true: int, false: int, poisoned: int, clean: int) -> None:
    wanted = f"asks for {true} poisoned and {false} clean rows"
    if not 0 <= true <= poisoned:
        raise UserError(
            f"the deletion set {wanted}; there are {poisoned} poisoned rows (0 to {poisoned} can be asked for)"
        )
    if false > clean:
        raise UserError(f"the deletion set {wanted}; there are {clean} clean rows")
    if false == clean:
        raise UserError(f"the deletion set {wanted}; of {clean} clean rows none would be left")


def select(
    train: Rows,
    seed: int,
    *,
    flagged: str | None = None,
    scores: str | None = None,
    views: Views | None = None,
    bias: str | None = None,
    **asked: Any,
) -> Deletion:
    """Return a deletion set: by exact counts, from a detector's scores, or from the user's own list.

    Args:
        train: the training rows.
        flagged: CSV or Parquet file with a column row_id.
        scores: file of a detector's scores.
        bias: the kind of the errors of counted sets (see `draw_biased`); None: they are uniform.
        views: the poisoned model's view of the rows, for a bias that needs it.
        asked: the counts (see `count_deletion`), or with scores the cut (see `choose_flagged`).

    Raises:
        UserError: for counts that cannot be met, counts for data as found, ids that are not training rows, and an
            empty list.
    """
    if flagged:
        rows = find_rows(train, read_row_ids(flagged))
        if not len(rows):
            raise UserError(f"{flagged} flags no row; without a deletion set every method does nothing")
        return describe(train, rows)
    if scores:
        return cut(train, read_scores(scores), seed, **asked)
    poisoned = int(train.poisoned("a deletion set by counts").sum())
    true, false = count_deletion(poisoned, len(train) - poisoned, **asked)
    if bias:
        return describe(train, draw_biased(train, true, false, seed, bias=bias, views=views))
    return describe(train, draw_deletion(train, true, false, seed))


def cut(train: Rows, scores: Scores, seed: int, **asked: Any) -> Deletion:
    """Return the rows that a detector flags, with achieved rates and the ranking's AUROC and average precision."""
    deletion = describe(train, choose_flagged(train, scores, seed, **asked))
    if train.is_poisoned is None:
        return deletion
    return replace(
        deletion,
        detector_auroc=auroc(scores.training, train.is_poisoned),
        detector_average_precision=average_precision(scores.training, train.is_poisoned),
    )


def draw_deletion(train: Rows, true: int, false: int, seed: int) -> Indices:
    """Return positions of `true` poisoned and `false` clean rows, drawn uniformly; larger sets contain smaller ones."""
    is_poisoned = train.poisoned("a deletion set by counts")
    poisoned, clean = np.flatnonzero(is_poisoned), np.flatnonzero(~is_poisoned)
    return np.sort(
        np.concatenate(
            [
                poisoned[draw(train.row_id[poisoned], true, "found", seed)],
                clean[draw(train.row_id[clean], false, "false alarms", seed)],
            ]
        )
    )


def describe(train: Rows, rows: Indices) -> Deletion:
    """Return the deletion set with its achieved recall, FDR and FPR (None if unknown or for a zero denominator)."""
    if train.is_poisoned is None:
        if len(rows) == len(train):
            raise UserError(f"the deletion set holds all {len(train)} training rows; none would be left")
        return Deletion(rows=rows, recall=None, fdr=None, fpr=None)
    true = int(train.is_poisoned[rows].sum())
    false = len(rows) - true
    poisoned = int(train.is_poisoned.sum())
    clean = len(train) - poisoned
    if false >= clean:
        raise UserError(
            f"the deletion set holds all {clean} clean training rows; none would be left to learn from"
        )
    return Deletion(
        rows=rows,
        recall=true / poisoned if poisoned else None,
        fdr=false / len(rows) if len(rows) else None,
        fpr=false / clean,
    )


def in_words(train: Rows, deletion: Deletion) -> str:
    """Return a line for the log on a deletion set: its size, and its achieved rates if they are known."""
    size = f"{len(deletion.rows)} rows"
    if train.is_poisoned is None:
        return f"{size} of {len(train)}"
    return f"{size}: recall {deletion.recall}, FDR {deletion.fdr}, FPR {deletion.fpr}"


def write_deletion(path: str | Path, train: Rows, deletion: Deletion) -> None:
    """Write the deleted rows, by position and by id, with the achieved rates."""
    rates = {name: value for name, value in vars(deletion).items() if name != "rows"}
    columns = {"position": deletion.rows, "row_id": train.row_id[deletion.rows].astype(str)}
    write_columns(path, columns, notes=rates)


def read_deletion(path: str | Path) -> Deletion:
    """Return the deletion set that `write_deletion` wrote."""
    columns, rates = read_columns(path)
    return Deletion(rows=columns["position"], **rates)
