"""Disagreement with neighbours: how many of the nearest rows have another label (Peri et al. 2020, arXiv 1909.13374).

Neighbours are the `neighbours` nearest training rows in penultimate features of unit length (a row is not its own); a
row's score is the share of them with another given label (Bahri et al. 2020, arXiv 2004.12289, in that form). The own
rule is the paper's deep k-NN defence: a row whose label is not the most frequent one among its neighbours is accused.

Deviation: cosine distance in place of Euclidean, so that the length of the features has no part in it.
"""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.outputs import Outputs
from unpoison.types import PositiveInt

NEEDS = ()
OWN_RULE = True


def score(evidence: Evidence, *, neighbours: PositiveInt = 50) -> Scores:
    """Score every row by the share of its neighbours that have another label.

    Args:
        neighbours: how many; a poison is found only while fewer of them are poisons of its kind than are not.
    """
    training, trusted = evidence.outputs
    count = max(1, min(neighbours, len(training.labels) - 1))
    index = NearestNeighbors(n_neighbors=count).fit(_unit(training.features))
    places = index.kneighbors(return_distance=False)  # of the rows themselves: each without itself
    found = votes(training.labels[places], len(evidence.class_names))
    rows = np.arange(len(training.labels))
    outvoted = found[rows, training.labels] < found.max(1)
    return Scores(
        1 - found[rows, training.labels], _disagreement(index, training, trusted, evidence), outvoted
    )


def votes(labels: np.ndarray, classes: int) -> np.ndarray:
    """For each row the share of its neighbours' labels that each class has: (n, classes)."""
    return (labels[:, :, None] == np.arange(classes)).mean(1)


def _disagreement(
    index: NearestNeighbors, training: Outputs, trusted: Outputs, evidence: Evidence
) -> np.ndarray:
    if not len(trusted.labels):
        return np.empty(0)
    places = index.kneighbors(_unit(trusted.features), return_distance=False)
    found = votes(training.labels[places], len(evidence.class_names))
    return 1 - found[np.arange(len(found)), trusted.labels]


def _unit(features: np.ndarray) -> np.ndarray:
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), np.finfo(float).tiny)
