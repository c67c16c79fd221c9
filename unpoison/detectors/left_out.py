"""The left-out check: compare labels with the predictions of a network trained without the suspected rows.

In each class (by the given label) the rows that are separate from the rest in feature space are suspected,
generously: the smaller of two groups by 2-means, small groups of three or four, and the farthest of all these
groups with all rows similar to it. Distances are in the metric of the within-class covariance, as in SCAn
(Tang et al. 2021, arXiv 1908.00686), but estimated from the training rows themselves. A fresh network is
trained without the suspected rows and without a control sample of the other rows. It then predicts the true
class of poisons. It predicts the given label of clean rows about as often as that of control rows of their
class. Suspected rows whose given label is not predicted are the examples of a group, which a linear
discriminant narrows or widens.

A class is judged tampered if three conditions hold. The given label of its suspected rows is predicted less
than half as often as that of control rows, even at the upper end of the ratio's interval. The suspicious
model itself has learned these rows. Their group lies four standard deviations or more from its class, and one
more than in the median of the other classes, or it lies 4.75 or more. The own rule accuses the groups of
these classes, and a row's score is its probability of belonging to one.

The check cannot find poisons with a correct label (clean-label attacks), since their given label is
predicted. It judges wrong labels without a trigger as tampering if they form a group of their own. It is this
project's own method and has no paper.
"""

import numpy as np
import torch
from scipy.special import log_softmax

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.detectors._groups import group_like, places_of, suspected
from unpoison.left_out import ACCUSED, CONTROL, KEPT, readings_of
from unpoison.seeds import derive_seed, draw
from unpoison.shares import count_of
from unpoison.training import predict, train
from unpoison.types import PositiveFloat, Share

NEEDS = ()
OWN_RULE = True
MOST_CONTROLS = 400  # of a class: the accused rows limit the interval, so more do not narrow it


def score(
    evidence: Evidence, *, at_most: Share = 0.4, control: Share = 0.2, length: PositiveFloat = 1.0
) -> Scores:
    """Score every row by its probability of belonging to a tampered group.

    Args:
        at_most: share of a class up to which the smaller of two groups is suspected.
        control: share of the other rows of each class that is left out for comparison.
        length: of the training, as a share of the recipe's steps.

    Returns:
        Scores with these details for each row.
        role: 0 trained on, 1 suspected, 2 control.
        reads, confidence: the class that the network of the check predicts, and its probability.
        learned: whether the suspicious model predicts the given label.
        alike: the probability of belonging to the group of its class.
        apart: the distance of that group from the class, in standard deviations.
    """
    training, trusted = evidence.outputs
    labels, places = training.labels, places_of(training)
    role = roles_of(evidence, places, at_most, control)
    balanced = readings_by_new(evidence, role, length)
    reads, learned = balanced.argmax(1), training.logits.argmax(1) == labels
    chance, apart = np.zeros(len(labels)), np.zeros(len(labels))
    for label in np.unique(labels):
        of_class = labels == label
        accused = of_class & (role == ACCUSED) & learned
        unlike = accused & (reads != labels)
        # If the network predicts the given label of nearly all, all accused rows are the examples.
        examples = unlike if 4 * unlike.sum() >= accused.sum() else accused
        seed = derive_seed("like", evidence.seed, int(label))
        group = group_like(places[of_class], examples[of_class], seed)
        chance[of_class], apart[of_class] = group.chance, group.apart
    flagged, weight = np.zeros(len(labels), dtype=bool), np.zeros(len(labels))
    for label, found in readings_of(role, reads == labels, learned, apart, labels).items():
        of_class = labels == label
        is_tampered = found.judgement == "tampered"
        flagged |= of_class & (chance > 0.5) & is_tampered
        # Rows of other classes score below every row of a tampered group.
        weight[of_class] = 1.0 if is_tampered else 0.5 * max(0.0, 1 - found.ratio[0])
    details = {
        "role": role,
        "reads": reads,
        "confidence": np.exp(balanced.max(1)),
        "learned": learned.astype(np.int64),
        "alike": chance,
        "apart": apart,
    }
    return Scores(weight * chance, np.zeros(len(trusted.labels)), flagged, details)


def roles_of(evidence: Evidence, places: np.ndarray, at_most: float, control: float) -> np.ndarray:
    """Return each row's role in the check: (n,) KEPT, ACCUSED or CONTROL."""
    labels, ids = evidence.training.labels.cpu().numpy(), evidence.training_ids
    role = np.full(len(labels), KEPT)
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        seed = derive_seed("apart", evidence.seed, int(label))
        is_apart = suspected(places[of_class], at_most, seed)
        role[of_class[is_apart]] = ACCUSED
        others = of_class[~is_apart]
        count = min(count_of(control, len(others)), MOST_CONTROLS)
        role[others[draw(ids[others], count, "control", evidence.seed)]] = CONTROL
    return role


def readings_by_new(evidence: Evidence, role: np.ndarray, length: float) -> np.ndarray:
    """Return the log-probabilities (n, classes) of every row by a network that was trained on the kept rows
    alone.

    The classes lose unequal shares of their rows. The probabilities are divided by the shares of the classes
    among the kept rows, so that a class is not predicted less often because it lost many rows.
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
    parts = [
        predict(model, images, evidence.precision).double().cpu().numpy()
        for images, _ in evidence.training.in_order()
    ]
    logits = np.concatenate(parts)
    counts = np.bincount(evidence.training.labels.cpu().numpy()[kept], minlength=logits.shape[1])
    return log_softmax(logits - np.log(np.maximum(counts, 1)), axis=1)
