"""Find groups of rows that are separate from their class, and all rows that are similar to given examples."""

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from sklearn.cluster import KMeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import StratifiedKFold

from unpoison.outputs import Outputs
from unpoison.seeds import derive_seed
from unpoison.types import Mask

SHRINKAGE = 0.001  # of the within-class covariance towards its mean variance
PARTS = (2, 3, 4)  # numbers of clusters that a class is split into
STARTS = 10  # of k-means
NEARLY_APART = 3.5  # standard deviations from the class; below the threshold of the judgement
# Probability of belonging to the farthest group above which a row is suspected. It is low, since poisons that
# stay in the training rows hide others.
GENEROUS = 0.05
SMALL = 0.12  # largest share of its class of a small group
FITTED = 10_000  # rows of a larger class that its groups and discriminants are fitted on
AT_ONCE = 50_000  # rows whose distances to their class means are in memory together
FOLDS, ROUNDS = 5, 2
Places = Float64[np.ndarray, "rows channels"]


def places_of(outputs: Outputs) -> Places:
    """Return the features of the rows, whitened by the within-class covariance: (n, channels).

    The covariance is that of all training rows, so no trusted row is needed. Poisoned classes enlarge it a
    little. For a network without features the logits are used.
    """
    features = outputs.features if outputs.has_features else outputs.logits
    classes, members = np.unique(outputs.labels, return_inverse=True)
    means = np.stack([features[members == member].mean(0) for member in range(len(classes))])
    variation = np.zeros((features.shape[1],) * 2)
    for start in range(0, len(features), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        rest = features[part] - means[members[part]]
        variation += rest.T @ rest
    variation /= len(features)
    variation += SHRINKAGE * (np.trace(variation) / len(variation) or 1.0) * np.eye(len(variation))
    variances, directions = np.linalg.eigh(variation)
    return features @ (directions / np.sqrt(variances))


def suspected(places: Places, at_most: float, seed: int) -> Mask:
    """Return the mask of the suspected rows of a class: k-means groups that are small or far from the rest.

    The class is split into two, three and four clusters. Three kinds of rows are suspected: the smaller of
    two clusters, small clusters of any split, and the cluster that lies farthest from the rest of the class,
    with all rows similar to it.

    In a class of more than FITTED rows the cluster centres are fitted on a random sample.

    Args:
        at_most: largest share of the class that a suspected group may hold.
    """
    found, farthest = np.zeros(len(places), dtype=bool), None
    for parts in PARTS:
        if not _has_more_than(parts, places):
            continue
        part = _parted(places, parts, derive_seed("parts", seed, parts) % 2**32)
        shares = np.bincount(part, minlength=parts) / len(places)
        for number in np.flatnonzero(shares <= at_most):
            group = group_like(places, part == number, seed)
            if farthest is None or group.apart > farthest.apart:
                farthest = group
            if shares[number] <= SMALL or parts == min(PARTS):
                found |= part == number
    if farthest is not None and farthest.apart >= NEARLY_APART:
        found |= farthest.chance > GENEROUS
    return found


def _parted(places: Places, parts: int, random: int) -> np.ndarray:
    """Return the index of each row's k-means cluster: (n,)."""
    groups = KMeans(parts, n_init=STARTS, random_state=random)
    if len(places) <= FITTED:
        return groups.fit(places).labels_
    return groups.fit(places[_drawn(np.arange(len(places)), FITTED, random)]).predict(places)


def _has_more_than(count: int, places: Places) -> bool:
    """Return whether there are more than `count` distinct rows.

    The first rows are tried first: they nearly always suffice, so that all rows are seldom sorted.
    """
    return any(len(np.unique(part, axis=0)) > count for part in (places[: 10 * count], places))


def _drawn(places: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Return a random sample of at most `most` positions, in their order."""
    if len(places) <= most:
        return places
    return np.sort(np.random.default_rng(seed).choice(places, most, replace=False))


@dataclass(frozen=True)
class Group:
    """A group of similar rows in a class.

    chance: the probability of each row to belong to it, (n,); apart: its distance from the rest of the class,
    in standard deviations.
    """

    chance: Float64[np.ndarray, " rows"]
    apart: float


def group_like(places: Places, examples: Mask, seed: int) -> Group:
    """Return the group of the rows of a class that are similar to the examples.

    A linear discriminant is fitted to the examples against all other rows and evaluated on rows that it was
    not fitted on (cross-validation). A mixture of two normal distributions is fitted to its values. The group
    may therefore be larger than the examples, or exclude some of them. Examples that are too few for this are
    returned as the group, at distance 0.
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
    """Return the distance between the two means in pooled standard deviations; 0 if a side has fewer than two
    rows."""
    if not 1 < examples.sum() < len(examples) - 1:
        return 0.0
    spread = np.sqrt((values[examples].var() + values[~examples].var()) / 2)
    return float((values[examples].mean() - values[~examples].mean()) / max(spread, np.finfo(float).tiny))


def _discriminant(places: Places, examples: Mask, seed: int) -> Float64[np.ndarray, " rows"]:
    """Return the values of a linear discriminant for rows that it was not fitted on.

    It is fitted on at most half of FITTED examples, and on as many others.
    """
    fold = StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**32)
    linear = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about features that do not vary
        values = np.empty(len(places))
        for fitted, asked in fold.split(places, examples):
            sides = [_drawn(fitted[examples[fitted] == side], FITTED // 2, seed) for side in (False, True)]
            part = np.sort(np.concatenate(sides))
            values[asked] = linear.fit(places[part], examples[part]).decision_function(places[asked])
        return values


def _chance(values: Float64[np.ndarray, " rows"], examples: Mask) -> Float64[np.ndarray, " rows"]:
    """Return each row's probability of the upper component of a mixture of two normal distributions.

    The fit starts from the means of the examples and of the other rows.
    """
    centres = np.array([[values[~examples].mean()], [values[examples].mean()]])
    weights = np.array([1 - examples.mean(), examples.mean()])
    mixture = GaussianMixture(
        2, covariance_type="tied", means_init=centres, weights_init=weights, random_state=0
    ).fit(values[:, None])
    upper = int(mixture.means_[:, 0].argmax())
    return mixture.predict_proba(values[:, None])[:, upper]
