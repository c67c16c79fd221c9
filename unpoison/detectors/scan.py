"""SCAn: classes whose features form two groups, not one (Tang et al. 2021, "Demon in the Variant", arXiv
1908.00686).

Features are modelled as an identity of their class plus a variation that all classes share. The covariances
of both are estimated from the trusted rows by expectation maximisation. Each class's training rows are split
in two in the metric of the variation. The gain in likelihood over one group, J, is compared with that of the
other classes by their median and median absolute deviation. The own rule accuses the smaller group of classes
whose anomaly index is above `index` (e^2). A row's score is twice the log-likelihood ratio of the smaller
group to the larger.

The authors' code (TDteach/backdoor) divides J by the rows of the class, as is done here by default, and takes
an index on both sides of the median. Two errors of that code are not followed: in J the mean of one group
lacks a factor, and the variation of a row is computed by subtracting one number in place of a vector. The
best of ten starts of 2-means replaces the authors' one random split.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64
from sklearn.cluster import KMeans

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.outputs import Outputs
from unpoison.seeds import derive_seed
from unpoison.types import PositiveFloat, Share

NEEDS = ("validation",)
OWN_RULE = True
ROUNDS = 100  # of the expectation maximisation, at most; as published
SETTLED = 0.01  # the change that ends it, as published
Places = Float64[np.ndarray, "rows channels"]


def score(
    evidence: Evidence,
    *,
    index: PositiveFloat = 7.389,
    gain: Literal["mean", "total"] = "mean",
    one_sided: bool = False,
    shrinkage: Share = 0.0,
) -> Scores:
    """Score every row by the likelihood ratio of the two groups of its class.

    Args:
        index: the anomaly index above which the own rule accuses a class; e^2 as published.
        gain: J as a mean over the rows of the class, as in the authors' code, or the sum, which grows with the class.
        one_sided: accuse only classes whose J lies above the median; false as published.
        shrinkage: of the covariance of the variation towards its mean variance, for fewer trusted rows than
            channels of the features; 0 as published, which takes a pseudo-inverse.
    """
    training, trusted = evidence.outputs
    metric = whitening(trusted, shrinkage)
    places = [rows.features @ metric for rows in (training, trusted)]
    scores = [np.zeros(len(rows.labels)) for rows in (training, trusted)]
    splits: dict[int, Split] = {}
    for label in range(len(evidence.class_names)):
        of_class = places[0][training.labels == label]
        if len(np.unique(of_class, axis=0)) < 2:
            continue
        splits[label] = split(of_class, derive_seed("groups", evidence.seed, label) % 2**32)
        for found, where, rows in zip(scores, places, (training, trusted), strict=True):
            chosen = rows.labels == label
            found[chosen] = splits[label].ratio(where[chosen])
    flagged = np.zeros(len(training.labels), dtype=bool)
    gains = [groups.gain / (len(groups.is_smaller) if gain == "mean" else 1) for groups in splits.values()]
    indices = anomaly_indices(np.array(gains), one_sided)
    for label, anomaly in zip(splits, indices, strict=True):
        if anomaly > index:
            flagged[np.flatnonzero(training.labels == label)[splits[label].is_smaller]] = True
    return Scores(scores[0], scores[1], flagged)


@dataclass(frozen=True)
class Split:
    """A class in two groups: their centres, the smaller one's rows, and the gain in likelihood over one group (J)."""

    larger: Float64[np.ndarray, " channels"]
    smaller: Float64[np.ndarray, " channels"]
    is_smaller: np.ndarray
    gain: float

    def ratio(self, places: Places) -> Float64[np.ndarray, " rows"]:
        """Return twice the log-likelihood ratio of the smaller group to the larger, both of unit variance."""
        return ((places - self.larger) ** 2).sum(1) - ((places - self.smaller) ** 2).sum(1)


def split(places: Places, seed: int) -> Split:
    """Return the most likely two groups of unit variance, by 2-means."""
    groups = KMeans(2, n_init=10, random_state=seed).fit(places)
    counts = np.bincount(groups.labels_, minlength=2)
    smaller = int(counts[1] <= counts[0])
    gain = ((places - places.mean(0)) ** 2).sum() - groups.inertia_
    centres = groups.cluster_centers_
    return Split(centres[1 - smaller], centres[smaller], groups.labels_ == smaller, float(gain))


def anomaly_indices(
    gains: Float64[np.ndarray, " classes"], one_sided: bool = False
) -> Float64[np.ndarray, " classes"]:
    """Return each gain's distance from the median in median absolute deviations, scaled as standard
    deviations.

    Args:
        one_sided: give gains below the median a negative index.
    """
    if not len(gains):
        return gains
    distances = gains - np.median(gains)
    spread = 1.4826 * np.median(np.abs(distances))
    return (distances if one_sided else np.abs(distances)) / max(spread, np.finfo(float).tiny)


def whitening(trusted: Outputs, shrinkage: float = 0.0) -> Float64[np.ndarray, "channels directions"]:
    """Return the matrix that whitens the variation within classes, in the directions that vary at all."""
    variation = covariance_of_variation(trusted.features, trusted.labels)
    size = len(variation)
    variation += shrinkage * (np.trace(variation) / size or 1.0) * np.eye(size)
    variances, directions = np.linalg.eigh(variation)
    has_any = variances > size * np.finfo(float).eps * max(variances.max(), np.finfo(float).tiny)
    return directions[:, has_any] / np.sqrt(variances[has_any])


def covariance_of_variation(features: Places, labels: np.ndarray) -> Float64[np.ndarray, "channels channels"]:
    """Return the covariance of the features after the identities of their classes are subtracted.

    Two steps alternate: the identities are estimated given the covariances, then the covariances are computed
    from the identities and the remainders.
    """
    centred = features - features.mean(0)
    classes, members = np.unique(labels, return_inverse=True)
    counts = np.bincount(members).astype(float)
    means = np.stack([centred[members == member].mean(0) for member in range(len(classes))])
    identity, variation = _covariance(means[members]), _covariance(centred - means[members])
    for _ in range(ROUNDS):
        # E[identity | rows of a class] = n S_mu (n S_mu + S_epsilon)^-1 mean
        gains = [count * identity @ np.linalg.pinv(count * identity + variation) for count in counts]
        expected = np.stack([gain @ mean for gain, mean in zip(gains, means, strict=True)])
        before = identity, variation
        identity, variation = _covariance(expected[members]), _covariance(centred - expected[members])
        if np.linalg.norm(identity - before[0]) + np.linalg.norm(variation - before[1]) <= SETTLED:
            break
    return variation


def _covariance(rows: Places) -> Float64[np.ndarray, "channels channels"]:
    """Return the sample covariance; zero for one row."""
    centred = rows - rows.mean(0)
    return centred.T @ centred / max(1, len(rows) - 1)
