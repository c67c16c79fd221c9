"""Confident learning: labels that are unlikely to networks trained without the row (Northcutt et al., arXiv
1911.00068).

The training rows are split into `folds`, each class evenly. A fresh network is trained on all folds but one
and predicts that one. A row's score is 1 minus the probability of its given label (1 - self-confidence). The
detector's own rule is the paper's pruning by noise rate, which counts wrong labels by the confident joint. It
is computed by cleanlab, the authors' library.

A trigger works across folds, so the given labels of triggered poisons are expected to be likely; wrong labels
without a trigger are not.
"""

import numpy as np
import torch
from cleanlab.filter import find_label_issues
from jaxtyping import Float64
from scipy.special import softmax

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.features import outputs_of
from unpoison.seeds import derive_seed, priorities
from unpoison.training import train
from unpoison.types import PositiveFloat, Several

NEEDS = ()
OWN_RULE = True


def score(evidence: Evidence, *, folds: Several = 5, length: PositiveFloat = 1.0) -> Scores:
    """Score every row by the improbability of its label to networks that were trained without it.

    Args:
        folds: number of folds and of trainings.
        length: of each training, as a share of the recipe's steps.
    """
    labels = evidence.training.labels.cpu().numpy()
    fold = folds_of(labels, evidence.training_ids, folds, evidence.seed)
    classes = len(evidence.class_names)
    believed, trusted = np.zeros((len(labels), classes)), np.zeros((len(evidence.validation), classes))
    for number in np.unique(fold):
        held_out, others = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        believed[held_out], beside = predictions(evidence, others, held_out, int(number), length)
        trusted += beside / len(np.unique(fold))
    issues = find_label_issues(labels, believed, filter_by="prune_by_noise_rate", n_jobs=1)
    rows, kept_labels = np.arange(len(labels)), evidence.validation.labels.cpu().numpy()
    return Scores(
        1 - believed[rows, labels], 1 - trusted[np.arange(len(kept_labels)), kept_labels], np.asarray(issues)
    )


def folds_of(labels: np.ndarray, ids: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Return the fold that predicts each row: (n,); each class is dealt out evenly, in an order by hash."""
    order = np.lexsort((priorities(ids, "folds", seed), labels))
    fold = np.empty(len(labels), dtype=np.int64)
    fold[order] = np.arange(len(labels)) % folds
    return fold


def predictions(
    evidence: Evidence, others: np.ndarray, held_out: np.ndarray, number: int, length: float
) -> tuple[Float64[np.ndarray, "held classes"], Float64[np.ndarray, "trusted classes"]]:
    """Return the probabilities of held-out and trusted rows by a network trained on the other rows."""
    seed = derive_seed("fold", evidence.seed, number)
    model = evidence.new_model(seed)
    chosen = [evidence.training.take(torch.from_numpy(rows)) for rows in (others, held_out)]
    train(model, chosen[0], evidence.recipe, seed, precision=evidence.precision, length=length)
    found = (outputs_of(model, part, evidence.precision) for part in (chosen[1], evidence.validation))
    held, trusted = (softmax(outputs.logits, axis=1) for outputs in found)
    return held, trusted
