"""The left-out check: a network trained without the suspected rows is asked whether it reads them as they are told.

In each class (by the given label) the rows that stand apart in the features are suspected, generously: the smaller of two
groups by 2-means, and small ones of four, in the metric of the variation within classes (as in SCAn, Tang et al. 2021,
arXiv 1908.00686, but of the training rows themselves). A fresh network is trained without them and without a control
sample of the other rows. Poisons are then read as what they show; clean rows are read as told about as often as control
rows of their class. A class is tampered with where its suspected rows are surely read as told less than half as often.
In such a class the suspected rows that are not read as told are examples of a group, which is narrowed by a linear
discriminant. The own rule accuses the rows of these groups, and a row's score is its probability to belong to one.

The check cannot tell poisons whose label is right (clean-label attacks): such rows are read as told. It takes wrong
labels without a trigger for tampering where they stand apart as a group. It is this project's own and has no paper.
"""

import numpy as np
import torch
from scipy.special import log_softmax

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.detectors._groups import apart, like, places_of
from unpoison.features import outputs_of
from unpoison.left_out import ACCUSED, CONTROL, KEPT, readings_of
from unpoison.seeds import derive_seed, draw
from unpoison.shares import count_of
from unpoison.training import train
from unpoison.types import PositiveFloat, Share

NEEDS = ()
OWN_RULE = True
MOST_CONTROLS = 400  # of a class: more make no interval narrower than the accused rows do


def score(
    evidence: Evidence, *, at_most: Share = 0.4, control: Share = 0.2, length: PositiveFloat = 1.0
) -> Scores:
    """Score every row by its probability to belong to a tampered group.

    Args:
        at_most: share of a class up to which the smaller of two groups is suspected.
        control: share of the other rows of each class that is left out for comparison.
        length: of the training, as a share of the recipe's steps.

    Returns:
        Scores whose details say for each row its `role` in the check, what the network of the check `reads` it as, and
        the log-odds of the given label (`told_log_odds`).
    """
    training, trusted = evidence.outputs
    labels, places = training.labels, places_of(training)
    role = roles_of(evidence, places, at_most, control)
    log_odds, reads = readings_by_new(evidence, role, length)
    as_told = reads == labels
    scores, flagged = np.zeros(len(labels)), np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        of_class = labels == label
        readings = readings_of(role, as_told, of_class)
        examples = (of_class & (role == ACCUSED) & ~as_told)[of_class]
        if readings.judgement == "tampered":
            scores[of_class] = like(places[of_class], examples, derive_seed("like", evidence.seed, int(label)))
            flagged |= of_class & (scores > 0.5)
        else:  # suspected, and not confirmed: below every row of a tampered group
            doubt = max(0.0, 1 - readings.ratio[0]) / 2
            scores[np.flatnonzero(of_class)[examples]] = doubt
    details = {"role": role, "reads": reads, "told_log_odds": log_odds}
    return Scores(scores, np.zeros(len(trusted.labels)), flagged, details)


def roles_of(evidence: Evidence, places: np.ndarray, at_most: float, control: float) -> np.ndarray:
    """Return each row's part in the check: (n,) KEPT, ACCUSED or CONTROL."""
    labels, ids = evidence.training.labels.cpu().numpy(), evidence.training_ids
    role = np.full(len(labels), KEPT)
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        is_apart = apart(places[of_class], at_most, derive_seed("apart", evidence.seed, int(label)))
        role[of_class[is_apart]] = ACCUSED
        others = of_class[~is_apart]
        count = min(count_of(control, len(others)), MOST_CONTROLS)
        role[others[draw(ids[others], count, "control", evidence.seed)]] = CONTROL
    return role


def readings_by_new(
    evidence: Evidence, role: np.ndarray, length: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return how a network that was trained on the kept rows alone reads every row.

    The classes lose unequal shares of their rows. Its probabilities are divided by the shares of the classes among the kept
    rows, so that a class that lost many is not read less often for that.

    Returns:
        the log-odds of the given label and the class that is predicted: two arrays (n,).
    """
    kept, seed = np.flatnonzero(role == KEPT), derive_seed("left out", evidence.seed)
    model = evidence.new_model(seed)
    train(
        model,
        evidence.training.take(torch.from_numpy(kept)),
        evidence.recipe,
        seed,
        precision=evidence.precision,
        length=length,
    )
    outputs = outputs_of(model, evidence.training, evidence.precision)
    counts = np.bincount(outputs.labels[kept], minlength=outputs.logits.shape[1])
    balanced = log_softmax(outputs.logits - np.log(np.maximum(counts, 1)), axis=1)
    told = balanced[np.arange(len(balanced)), outputs.labels]
    return told - np.log(np.maximum(-np.expm1(told), 1e-12)), balanced.argmax(1)
