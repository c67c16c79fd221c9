"""Suspicion scores of training rows: stored on disk, cut into a set of flagged rows, and compared with the truth."""

from importlib import import_module
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from unpoison.contracts.scores import Scores
from unpoison.errors import UserError
from unpoison.files import read_columns, write_columns
from unpoison.rows import Rows
from unpoison.seeds import priorities
from unpoison.shares import count_of
from unpoison.types import Indices, Mask

DOUBTED = 0.2  # scores of the left-out check from this one on are suspicious
COLUMNS = ("split", "position", "row_id", "score", "flagged")
ScoreOfRow = Float64[np.ndarray, " rows"]


def write_scores(path: str | Path, train: Rows, validation: Rows, scores: Scores) -> None:
    """Write a row for each training and validation row; `flagged` is null without a decision rule.

    Details are columns of their own, null for validation rows.
    """
    flagged = [None] * len(train) if scores.flagged is None else scores.flagged.tolist()
    columns = {
        "split": ["train"] * len(train) + ["validation"] * len(validation),
        "position": np.concatenate([np.arange(len(train)), np.arange(len(validation))]),
        "row_id": [*map(str, train.row_id), *map(str, validation.row_id)],
        "score": np.concatenate([scores.training, scores.validation]),
        "flagged": flagged + [None] * len(validation),
    }
    details = {name: [*values.tolist(), *[None] * len(validation)] for name, values in scores.details.items()}
    write_columns(path, {**columns, **details})


def read_scores(path: str | Path) -> Scores:
    """Return the scores that `write_scores` wrote."""
    columns, _ = read_columns(path)
    training = columns["split"] == "train"
    flagged = columns["flagged"][training]
    has_rule = len(flagged) and flagged[0] is not None
    return Scores(
        columns["score"][training],
        columns["score"][~training],
        flagged.astype(bool) if has_rule else None,
        {
            name: np.array(values[training].tolist())
            for name, values in columns.items()
            if name not in COLUMNS
        },
    )


def choose_flagged(
    train: Rows,
    scores: Scores,
    seed: int,
    *,
    top: float | None = None,
    budget: int | None = None,
    fpr_budget: float | None = None,
) -> Indices:
    """Return the positions of the flagged training rows: by one of three cuts, or else by the detector's own rule.

    Args:
        seed: of the order of rows with equal scores.
        top, budget: share or number of the training rows, those of the highest scores.
        fpr_budget: flag rows that score higher than all but this share of the trusted rows.

    Raises:
        UserError: for more than one cut, a threshold without trusted rows, and a detector without a rule if no cut
            is given.
    """
    check_cut(top=top, budget=budget, fpr_budget=fpr_budget)
    if fpr_budget is not None:
        return np.flatnonzero(scores.training > threshold(scores.validation, fpr_budget))
    if top is not None:
        budget = count_of(top, len(train))
    if budget is None:
        if scores.flagged is None:
            raise UserError("the detector has no rule of its own; say top, budget or fpr_budget")
        return np.flatnonzero(scores.flagged)
    order = np.lexsort((priorities(train.row_id, "equal scores", seed), -scores.training))
    return np.sort(order[:budget]).astype(np.int64)


def check_cut(**cuts: int | float | None) -> None:
    """Refuse two cuts of the same scores."""
    given = [f"{name}: {value}" for name, value in cuts.items() if value is not None]
    if len(given) > 1:
        raise UserError(
            f"a detector's scores are cut once, by top, budget or fpr_budget; found {', '.join(given)}"
        )


def threshold(trusted: ScoreOfRow, share: float) -> float:
    """Return the score that at most a share of the trusted rows exceeds; -inf if the share covers all of them."""
    if not len(trusted):
        raise UserError("fpr_budget sets its threshold on validation rows, and there are none")
    allowed = count_of(share, len(trusted))
    return float(np.sort(trusted)[::-1][allowed]) if allowed < len(trusted) else -np.inf


def auroc(scores: ScoreOfRow, is_poisoned: Mask) -> float | None:
    """Return the area under the ROC curve: how often a poisoned row scores above a clean one; ties count as halves.

    None if all rows are of one kind.
    """
    if is_poisoned.all() or not is_poisoned.any():
        return None
    # Imported here, since the import takes a second and planning and most jobs do not need it.
    return float(import_module("sklearn.metrics").roc_auc_score(is_poisoned, _ranks(scores)))


def average_precision(scores: ScoreOfRow, is_poisoned: Mask) -> float | None:
    """Return the sum over thresholds of the gain of recall times the precision; chance gives the share of poisons.

    None without a poisoned row.
    """
    if not is_poisoned.any():
        return None
    return float(import_module("sklearn.metrics").average_precision_score(is_poisoned, _ranks(scores)))


def _ranks(scores: ScoreOfRow) -> Indices:
    """Return each score's rank among the distinct scores, lowest first; scikit-learn refuses infinite scores."""
    return np.unique(scores, return_inverse=True)[1]
