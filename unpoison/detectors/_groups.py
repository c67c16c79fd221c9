"""Groups of rows that stand apart from their class, and the rows that are like some of them."""

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

SHRINKAGE = 0.001  # of the variation within classes towards its mean variance
PARTS = (2, 3, 4)  # groups that a class is cut into
STARTS = 10  # of k-means
NEARLY_APART = 3.5  # standard deviations from the class: less than a judgement asks for
GENEROUS = 0.05  # chance to belong to that group from which on a row is suspected: poisons that are left in hide others
SMALL = 0.12  # share of its class of a small group
FITTED = 10_000  # rows that groups and discriminants of a larger class are fitted on
AT_ONCE = 50_000  # rows whose distances to their means are held in memory
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
    """Return which rows of a class are suspected: groups of two, three and four by k-means that are small or far.

    Suspected are the smaller of two groups, small ones of four, and the group that lies farthest from the rest of the
    class, with all rows that are like it.

    The centres of the groups of a class of more than FITTED rows are those of a random part of it.

    Args:
        at_most: the share of the class above which a group is no suspect.
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
    """Return the number of each row's group by k-means: (n,)."""
    groups = KMeans(parts, n_init=STARTS, random_state=random)
    if len(places) <= FITTED:
        return groups.fit(places).labels_
    return groups.fit(places[_drawn(np.arange(len(places)), FITTED, random)]).predict(places)


def _has_more_than(count: int, places: Places) -> bool:
    """Return whether more than that many rows differ. The first rows most often tell: all are seldom sorted."""
    return any(len(np.unique(part, axis=0)) > count for part in (places[: 10 * count], places))


def _drawn(places: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Return some positions in their order, all where they are no more than `most`."""
    if len(places) <= most:
        return places
    return np.sort(np.random.default_rng(seed).choice(places, most, replace=False))


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
    """Return the values of a linear discriminant for rows that it was not fitted on.

    It is fitted on at most half of FITTED examples, and on as many others.
    """
    fold = StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**32)
    linear = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of features that do not vary
        values = np.empty(len(places))
        for fitted, asked in fold.split(places, examples):
            sides = [_drawn(fitted[examples[fitted] == side], FITTED // 2, seed) for side in (False, True)]
            part = np.sort(np.concatenate(sides))
            values[asked] = linear.fit(places[part], examples[part]).decision_function(places[asked])
        return values


def _chance(values: Float64[np.ndarray, " rows"], examples: Mask) -> Float64[np.ndarray, " rows"]:
    """Return the probability of the upper of two normal distributions that starts at the examples."""
    centres = np.array([[values[~examples].mean()], [values[examples].mean()]])
    weights = np.array([1 - examples.mean(), examples.mean()])
    mixture = GaussianMixture(
        2, covariance_type="tied", means_init=centres, weights_init=weights, random_state=0
    ).fit(values[:, None])
    upper = int(mixture.means_[:, 0].argmax())
    return mixture.predict_proba(values[:, None])[:, upper]
