"""Disagreement with neighbours: the share of the nearest rows with another label (Peri et al. 2020, arXiv
1909.13374).

The `neighbours` nearest training rows are found by penultimate features. A row's score is the share of them
with another given label (Bahri et al. 2020, arXiv 2004.12289, in that form). The own rule is the paper's deep
k-NN defence: a row is accused if its label is not the most frequent one among its neighbours.

The authors' code (neeharperi/DeepKNNDefense) counts a row among its own neighbours, which is one vote for its
label. Here a row is not its own neighbour, so that its score depends on the rows around it alone.
"""

from typing import Literal

import numpy as np
from sklearn.neighbors import NearestNeighbors

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.outputs import Outputs
from unpoison.types import PositiveInt

NEEDS = ()
OWN_RULE = True


def score(
    evidence: Evidence,
    *,
    neighbours: PositiveInt = 50,
    distance: Literal["euclidean", "cosine"] = "euclidean",
) -> Scores:
    """Score every row by the share of its neighbours that have another label.

    Args:
        neighbours: number of neighbours. A poison is found only if fewer than half of them are poisons of its
            kind. The authors' script has 101, of 500 rows.
        distance: of features; euclidean as published, or cosine, which ignores their length.
    """
    training, trusted = (_placed(rows, distance) for rows in evidence.outputs)
    count = max(1, min(neighbours, len(training.labels) - 1))
    index = NearestNeighbors(n_neighbors=count).fit(training.features)
    places = index.kneighbors(return_distance=False)  # of the training rows, each without itself
    found = votes(training.labels[places], len(evidence.class_names))
    rows = np.arange(len(training.labels))
    outvoted = found[rows, training.labels] < found.max(1)
    return Scores(
        1 - found[rows, training.labels], _disagreement(index, training, trusted, evidence), outvoted
    )


def votes(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return the share that each class has among the labels of each row's neighbours: (n, classes)."""
    return (labels[:, :, None] == np.arange(classes)).mean(1)


def _disagreement(
    index: NearestNeighbors, training: Outputs, trusted: Outputs, evidence: Evidence
) -> np.ndarray:
    if not len(trusted.labels):
        return np.empty(0)
    places = index.kneighbors(trusted.features, return_distance=False)
    found = votes(training.labels[places], len(evidence.class_names))
    return 1 - found[np.arange(len(found)), trusted.labels]


def _placed(rows: Outputs, distance: Literal["euclidean", "cosine"]) -> Outputs:
    """Return the rows with features whose Euclidean distances order neighbours by `distance`."""
    if distance == "euclidean":
        return rows
    lengths = np.linalg.norm(rows.features, axis=1, keepdims=True)
    return Outputs(rows.features / np.maximum(lengths, np.finfo(float).tiny), rows.logits, rows.labels)
