"""Biased errors of a deletion set: its missed poisons and false alarms are not drawn uniformly.

Counts stay exact and the same as without a bias; only the rows differ. Larger sets contain smaller ones.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unpoison.errors import UserError
from unpoison.rows import NONE, Rows
from unpoison.seeds import priorities
from unpoison.types import Indices

BY_MODEL = ("confidence", "similarity")  # biases that need the poisoned model's outputs
ODDS = 4.0  # of an error on a row of the smallest class, relative to another row


@dataclass(frozen=True)
class Views:
    """The poisoned model's view of each training row, stamped and not augmented.

    confidence: probability that it gives the row's given label; distance: Euclidean, of its features from the
    mean features of the nearest kind of poison (those of one trigger and given label); infinite without a poison.
    """

    confidence: Float64[np.ndarray, " rows"]
    distance: Float64[np.ndarray, " rows"]


def view(
    train: Rows, features: Float64[np.ndarray, "rows channels"], logits: Float64[np.ndarray, "rows classes"]
) -> Views:
    """Return confidences and distances from a network's features and logits of the rows."""
    likelihood = np.exp(logits - logits.max(1, keepdims=True))
    confidence = likelihood[np.arange(len(train)), train.given_label] / likelihood.sum(1)
    kinds, poisoned = np.stack([train.trigger_id, train.given_label], 1), train.poisoned("a bias")
    distances = [
        np.linalg.norm(features - features[poisoned & (kinds == kind).all(1)].mean(0), axis=1)
        for kind in np.unique(kinds[poisoned], axis=0)
    ]
    # Without poisons every distance is infinite.
    return Views(confidence, np.min(distances, axis=0) if distances else np.full(len(train), np.inf))


def draw_biased(
    train: Rows, true: int, false: int, seed: int, *, bias: str, views: Views | None = None
) -> Indices:
    """Return positions of `true` poisoned and `false` clean training rows, with errors chosen by the bias.

    class: errors favour the smallest true class (the first of equal ones). A clean row of it is four times as likely
    to be flagged as another clean row. A poisoned row of it is a fourth as likely to be found as another;
    confidence: the clean rows with the lowest confidence are flagged, the poisons with the lowest are missed;
    similarity: the clean rows nearest to the poisons are flagged, the poisons farthest from them are missed.
    """
    poisoned = train.poisoned("a bias")
    found, accused = _orders(train, seed, bias, views)
    parts = [
        _first(found, priorities(train.row_id, "found", seed), poisoned, true),
        _first(accused, priorities(train.row_id, "false alarms", seed), ~poisoned, false),
    ]
    return np.sort(np.concatenate(parts))


def _orders(train: Rows, seed: int, bias: str, views: Views | None) -> tuple[np.ndarray, np.ndarray]:
    """Return two sort keys for each row: for being found if poisoned, and for being flagged if clean."""
    if bias == "class":
        if (train.label == NONE).any():
            raise UserError(
                "the bias class needs the true class of every training row; found rows without one"
            )
        counts = np.bincount(train.label, minlength=len(train.class_names))
        odds = np.where(train.label == counts.argmin(), ODDS, 1.0)
        # The smallest of exponential waiting times: a weighted draw without replacement (Efraimidis, Spirakis 2006).
        waits = [-np.log1p(-_uniform(train, purpose, seed)) for purpose in ("found", "false alarms")]
        return waits[0] * odds, waits[1] / odds
    assert views is not None, f"the bias {bias} needs to know how the model sees the rows"
    if bias == "confidence":
        return -views.confidence, views.confidence
    return views.distance, views.distance


def _uniform(train: Rows, purpose: str, seed: int) -> np.ndarray:
    """Return a number from 0 to 1, exclusive, for each row from its id."""
    return priorities(train.row_id, purpose, "by class", seed) / 2.0**64 * (1 - 1e-15)


def _first(order: np.ndarray, ties: np.ndarray, kind: np.ndarray, count: int) -> np.ndarray:
    """Return positions (count,) of the first rows of a kind in that order; `ties` orders equal ones."""
    rows = np.flatnonzero(kind)
    return rows[np.lexsort((ties[rows], order[rows]))[:count]]
