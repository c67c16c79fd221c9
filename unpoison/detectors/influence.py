"""Influence on a known triggered image: rows whose gradient points the same way (Hammoudeh and Lowd, arXiv 2201.10055).

For users who have an image with the trigger on and know what it is taken for. The influence of a training row on it is
the product of the two gradients of the loss (TracIn, Pruthi et al. 2020, arXiv 2002.08484, at one checkpoint), here by
the last layer's weights: (p - y) . (p' - y') times h . h', with probabilities p, labels y and features h. Renormalised
as in the paper (GAS), both gradients have unit length, for those of rows that were learned well are close to zero. A
row's score is the mean over the triggered images, from -1 to 1; high is what taught the network to take them so.

Deviations: the last layer and the last checkpoint only.
"""

import numpy as np
from jaxtyping import Float64
from scipy.special import softmax

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.features import outputs_of
from unpoison.outputs import Outputs

NEEDS = ("triggered_examples",)
OWN_RULE = False


def score(evidence: Evidence, *, renormalised: bool = True) -> Scores:
    """Score every row by its gradient's likeness to those of the triggered examples.

    Args:
        renormalised: compare directions alone; false weighs by the gradients' lengths (TracIn as published).
    """
    triggered = outputs_of(evidence.model, evidence.triggered, evidence.precision)
    return Scores(*(likeness(rows, triggered, renormalised) for rows in evidence.outputs))


def likeness(rows: Outputs, triggered: Outputs, renormalised: bool) -> Float64[np.ndarray, " rows"]:
    """The mean product of each row's gradient with those of the triggered rows."""
    if not len(rows.labels):
        return np.empty(0)
    scaled = _unit if renormalised else np.asarray
    errors, wanted = (scaled(_residual(part)) for part in (rows, triggered))
    features, shown = (scaled(part.features) for part in (rows, triggered))
    return ((errors @ wanted.T) * (features @ shown.T)).mean(1)


def _residual(rows: Outputs) -> np.ndarray:
    """Gradient of the cross-entropy by the logits: p - y."""
    return softmax(rows.logits, axis=1) - np.eye(rows.logits.shape[1])[rows.labels]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(float).tiny)
