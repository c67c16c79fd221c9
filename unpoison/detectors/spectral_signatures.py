"""Spectral signatures: distance along the main direction of a class's features (Tran et al. 2018, arXiv 1811.00636).

In each class (by the given label) v is the first right singular vector of the penultimate features phi, centred on
their mean mu. The paper and its code differ: the score of algorithm 1 is (v . (phi - mu))^2, that of the
authors' code (MadryLab/backdoor_data_poisoning, compute_corr.py) is |v . phi|, of features that are not
centred. `centred: false`, the default, is the code's score squared, which keeps the order; `centred:
true` is the paper's. Scores of all classes are on one scale, that of the features.
"""

import numpy as np
from jaxtyping import Float64

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.shares import count_of
from unpoison.types import Share

NEEDS = ()
OWN_RULE = True


def score(evidence: Evidence, *, expected: Share = 0.1, centred: bool = False) -> Scores:
    """Score every row along the main direction of its class.

    Args:
        expected: for the detector's own rule: the user's guess, never the true value, of the largest poisoned
            share of a class. 1.5 times as much of every class is flagged, as in the paper (0.1 gives the
            code's 15 %).
        centred: project the features minus their mean (the paper's algorithm 1), or the features themselves
            (the authors' code).
    """
    training, trusted = evidence.outputs
    scores = np.zeros(len(training.labels)), np.zeros(len(trusted.labels))
    flagged = np.zeros(len(training.labels), dtype=bool)
    for label in range(len(evidence.class_names)):
        of_class = np.flatnonzero(training.labels == label)
        if not len(of_class):
            continue  # a trusted row of a class without a training row scores 0
        centre, direction = main_direction(training.features[of_class])
        origin = centre if centred else 0.0
        for found, rows in zip(scores, (training, trusted), strict=True):
            chosen = rows.labels == label
            found[chosen] = ((rows.features[chosen] - origin) @ direction) ** 2
        accused = min(count_of(expected * 1.5, len(of_class)), len(of_class))
        flagged[of_class[np.argsort(-scores[0][of_class], kind="stable")[:accused]]] = True
    return Scores(*scores, flagged)


def main_direction(
    features: Float64[np.ndarray, "rows channels"],
) -> tuple[Float64[np.ndarray, " channels"], Float64[np.ndarray, " channels"]]:
    """Return the mean of the features and the first right singular vector of the centred features."""
    centre = features.mean(0)
    # The small matrix of products has the same singular vectors; its largest eigenvalue comes last.
    _, directions = np.linalg.eigh((features - centre).T @ (features - centre))
    return centre, directions[:, -1]
