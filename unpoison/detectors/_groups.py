"""Groups of rows that stand apart from their class, and the rows that are like some of them."""

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from sklearn.cluster import KMeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from unpoison.outputs import Outputs
from unpoison.seeds import derive_seed
from unpoison.types import Mask

SHRINKAGE = 0.001  # of the variation within classes towards its mean variance
PARTS = 4  # a class is cut into two parts, and into so many, of which the small ones count
SMALL = 0.12  # share of its class of a small part
FOLDS, ROUNDS = 5, 2
Places = Float64[np.ndarray, "rows channels"]


def places_of(outputs: Outputs) -> Places:
    """Return the features of the rows in the metric of the variation within classes: (n, channels).

    The metric is that of all training rows. Poisoned classes widen it a little; no trusted row is needed. Of a network
    without features the logits are taken.
    """
    features = outputs.features if outputs.has_features else outputs.logits
    classes, members = np.unique(outputs.labels, return_inverse=True)
    means = np.stack([features[members == member].mean(0) for member in range(len(classes))])
    rest = features - means[members]
    variation = rest.T @ rest / len(rest)
    variation += SHRINKAGE * (np.trace(variation) / len(variation) or 1.0) * np.eye(len(variation))
    variances, directions = np.linalg.eigh(variation)
    return features @ (directions / np.sqrt(variances))


def apart(places: Places, at_most: float, seed: int) -> Mask:
    """Return which rows of a class stand apart: the smaller of two groups, and small ones of four.

    Args:
        at_most: the share of the class above which the smaller of two groups is no small one.
    """
    found = np.zeros(len(places), dtype=bool)
    for parts, limit in ((2, at_most), (PARTS, SMALL)):
        if len(np.unique(places, axis=0)) <= parts:
            continue
        group = (
            KMeans(parts, n_init=10, random_state=derive_seed("parts", seed, parts) % 2**32)
            .fit(places)
            .labels_
        )
        shares = np.bincount(group, minlength=parts) / len(places)
        found |= shares[group] <= limit if parts > 2 else (group == shares.argmin()) & (shares.min() <= limit)
    return found


@dataclass(frozen=True)
class Group:
    """Rows of a class that are alike. chance: (n,) of each row to be one; apart: standard deviations from the rest."""

    chance: Float64[np.ndarray, " rows"]
    apart: float


def group_like(places: Places, examples: Mask, seed: int) -> Group:
    """Return the group of the rows of a class that are like the examples.

    A linear discriminant of the examples against all others is asked about rows that it did not see (cross-validation);
    its values are taken for a mixture of two normal distributions. The group may so be larger than the examples, or
    leave some of them out. Too few examples are a group by themselves, at no distance.
    """
    chance, apart = examples.astype(float), 0.0
    for _ in range(ROUNDS):
        if min(examples.sum(), (~examples).sum()) < FOLDS:
            break
        values = _discriminant(places, examples, seed)
        chance = _chance(values, examples)
        examples = chance > 0.5
        apart = _distance(values, examples)
    return Group(chance, apart)


def _distance(values: Float64[np.ndarray, " rows"], examples: Mask) -> float:
    """Return the distance of two means in pooled standard deviations; 0 where one of them has no row."""
    if not 1 < examples.sum() < len(examples) - 1:
        return 0.0
    spread = np.sqrt((values[examples].var() + values[~examples].var()) / 2)
    return float((values[examples].mean() - values[~examples].mean()) / max(spread, np.finfo(float).tiny))


def _discriminant(places: Places, examples: Mask, seed: int) -> Float64[np.ndarray, " rows"]:
    """Return the values of a linear discriminant for rows that it was not fitted on."""
    fold = StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**32)
    linear = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of features that do not vary
        return cross_val_predict(linear, places, examples, cv=fold, method="decision_function")


def _chance(values: Float64[np.ndarray, " rows"], examples: Mask) -> Float64[np.ndarray, " rows"]:
    """Return the probability of the upper of two normal distributions that starts at the examples."""
    centres = np.array([[values[~examples].mean()], [values[examples].mean()]])
    weights = np.array([1 - examples.mean(), examples.mean()])
    mixture = GaussianMixture(
        2, covariance_type="tied", means_init=centres, weights_init=weights, random_state=0
    ).fit(values[:, None])
    upper = int(mixture.means_[:, 0].argmax())
    return mixture.predict_proba(values[:, None])[:, upper]
