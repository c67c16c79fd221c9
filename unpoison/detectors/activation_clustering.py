"""Activation clustering: the smaller of two clusters of a class's features (Chen et al. 2018, arXiv
1811.03728).

In each class (by the given label) the penultimate features are reduced to ten dimensions and split by
2-means. The detector's own rule accuses the smaller cluster. With `silhouette` it does so only if that
cluster holds less than `smaller_share` of its class and the silhouette score is at least `silhouette`. A
row's score is its position between the two centres: (distance to the larger cluster's centre - distance to
the smaller's) / their sum, from -1 to 1. With `silhouette` it is multiplied by the silhouette score of the
class, so that a class with well separated clusters counts more.

The paper and its code differ: the paper reduces by ICA, the authors' library (ART, ActivationDefence) by PCA.
The paper has two tests for a poisoned class, the share of the smaller cluster and the silhouette score; the
thresholds are ART's for both together. ART accuses every smaller cluster unless told otherwise (`silhouette:
null`).

The silhouette score of a class with more than 2,000 rows is computed on 2,000 rows drawn from it.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA, FastICA
from sklearn.metrics import silhouette_score

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.seeds import derive_seed, draw
from unpoison.types import PositiveInt, Share

NEEDS = ()
OWN_RULE = True
MEASURED = 2000  # rows of a class for its silhouette score, whose cost is quadratic


def score(
    evidence: Evidence,
    *,
    silhouette: Share | None = 0.1,
    smaller_share: Share = 0.35,
    dimensions: PositiveInt = 10,
    reduction: Literal["pca", "ica"] = "pca",
) -> Scores:
    """Score every row by its position between the two clusters of its class.

    Args:
        silhouette: lowest silhouette score of a class that is accused (0.1 in ART); None accuses in every class.
        smaller_share: the cluster that is accused holds less than this share of its class (0.35 in ART).
        dimensions: number of dimensions that the features are reduced to before the split; 10 as published.
        reduction: to principal components (ART) or to independent ones (the paper; FastICA with ART's
            settings).
    """
    training, trusted = evidence.outputs
    scores = np.zeros(len(training.labels)), np.zeros(len(trusted.labels))
    flagged = np.zeros(len(training.labels), dtype=bool)
    for label in range(len(evidence.class_names)):
        of_class = np.flatnonzero(training.labels == label)
        seed = derive_seed("clusters", evidence.seed, label) % 2**32
        split = split_class(
            training.features[of_class], evidence.training_ids[of_class], dimensions, seed, reduction
        )
        if split is None:
            continue
        weight = 1.0 if silhouette is None else split.silhouette
        for found, rows in zip(scores, (training, trusted), strict=True):
            chosen = rows.labels == label
            found[chosen] = weight * split.side(rows.features[chosen])
        is_smaller = split.is_smaller
        if silhouette is None or (split.silhouette >= silhouette and is_smaller.mean() < smaller_share):
            flagged[of_class[is_smaller]] = True
    return Scores(*scores, flagged)


@dataclass(frozen=True)
class Split:
    """Two clusters of a class's features, the rows of the smaller one, and their silhouette score."""

    reduction: PCA | FastICA
    larger: Float64[np.ndarray, " dimensions"]
    smaller: Float64[np.ndarray, " dimensions"]
    is_smaller: np.ndarray
    silhouette: float

    def side(self, features: Float64[np.ndarray, "rows channels"]) -> Float64[np.ndarray, " rows"]:
        """Return each row's position: -1 at the larger cluster's centre, 1 at the smaller one's."""
        if not len(features):
            return np.empty(0)
        places = self.reduction.transform(features)
        far, near = (np.linalg.norm(places - centre, axis=1) for centre in (self.larger, self.smaller))
        return (far - near) / np.maximum(far + near, np.finfo(float).tiny)


def split_class(
    features: np.ndarray,
    ids: np.ndarray,
    dimensions: int,
    seed: int,
    reduction: Literal["pca", "ica"] = "pca",
) -> Split | None:
    """Return two clusters of the rows of a class; None if there are fewer than three distinct rows."""
    if all(len(np.unique(part, axis=0)) < 3 for part in (features[:20], features)):  # all are seldom sorted
        return None
    reduced = reducer(features, dimensions, seed, reduction).fit(features)
    places = reduced.transform(features)
    clusters = KMeans(2, n_init=10, random_state=seed).fit(places)
    counts = np.bincount(clusters.labels_, minlength=2)
    smaller = int(counts[1] <= counts[0])
    drawn = draw(ids, min(MEASURED, len(ids)), "silhouettes", seed)
    cluster = clusters.labels_[drawn]
    return Split(
        reduced,
        clusters.cluster_centers_[1 - smaller],
        clusters.cluster_centers_[smaller],
        clusters.labels_ == smaller,
        float(silhouette_score(places[drawn], cluster)) if 1 < len(set(cluster)) < len(drawn) else 0.0,
    )


def reducer(
    features: np.ndarray, dimensions: int, seed: int, reduction: Literal["pca", "ica"]
) -> PCA | FastICA:
    """Return the reducer of a class's features, to at most as many dimensions as they vary in."""
    if reduction == "pca":
        return PCA(min(dimensions, *features.shape), svd_solver="full")
    varied = np.linalg.matrix_rank(features - features.mean(0))  # only varying directions can be whitened
    return FastICA(min(dimensions, varied), max_iter=1000, tol=0.005, random_state=seed)
