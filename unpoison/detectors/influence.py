"""Influence on a known triggered image: rows whose gradient points the same way (Hammoudeh and Lowd, arXiv
2201.10055).

For users who have a triggered image and know the class that it is predicted as. The influence of a training
row on it is the dot product of the gradients of both losses with respect to the weights (TracIn, Pruthi et
al. 2020, arXiv 2002.08484). Renormalised as in the paper (GAS), both gradients have unit length, since the
gradients of well learned rows are close to zero. A row's score is the mean over the triggered images, from -1
to 1. It is high for rows that taught the network this prediction.

`layers: last` uses the last layer alone, whose gradients need no backward pass: (p - y) . (p' - y') times h .
h', with probabilities p, labels y and features h. The authors (ZaydH/target_identification) sum over the
checkpoints of the training, each weighted by its learning rate, and trace one target at a time. Here only the
last checkpoint is used, since a detector is given no other. Their gradient is of the loss with its weight
decay; here it is of the loss alone, since the decay is the same for every row.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float64
from scipy.special import softmax
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.examples import Examples
from unpoison.features import outputs_of
from unpoison.gradients import gradients_of, trained_parameters
from unpoison.networks import finite_logits
from unpoison.outputs import Outputs

NEEDS = ("triggered_examples",)
OWN_RULE = False


def score(evidence: Evidence, *, renormalised: bool = True, layers: Literal["all", "last"] = "all") -> Scores:
    """Score every row by the similarity of its gradient to those of the triggered examples.

    Args:
        renormalised: compare directions alone, as published; false weights by the gradients' lengths
            (TracIn).
        layers: the layers whose weights the gradients are taken for: all as published, or the last one alone.
    """
    if layers == "last":
        triggered = outputs_of(evidence.model, evidence.triggered, evidence.precision)
        training, trusted = (likeness(rows, triggered, renormalised) for rows in evidence.outputs)
        return Scores(training, trusted)
    model = evidence.model.eval()
    wanted = torch.stack(
        [_scaled(gradient, renormalised) for gradient in gradients(model, evidence.triggered)]
    ).mean(0)
    training, trusted = (
        np.array([float(_scaled(gradient, renormalised) @ wanted) for gradient in gradients(model, rows)])
        for rows in (evidence.training, evidence.validation)
    )
    return Scores(training, trusted)


def gradients(model: nn.Module, rows: Examples) -> Iterator[Tensor]:
    """Yield the gradient of each row's loss with respect to all weights, in double precision: (weights,)."""
    parameters = trained_parameters(model)
    for image, label in rows.in_order(1, backward=True):
        rows.note_each(1)
        loss = cross_entropy(finite_logits(model(image).float()), label)
        yield torch.cat([part.flatten() for part in gradients_of(loss, parameters)]).double()


def _scaled(gradient: Tensor, renormalised: bool) -> Tensor:
    length = gradient.norm().clamp_min(torch.finfo(gradient.dtype).tiny)
    return gradient / length if renormalised else gradient


def likeness(rows: Outputs, triggered: Outputs, renormalised: bool) -> Float64[np.ndarray, " rows"]:
    """Return the mean product of each row's gradient with those of the triggered rows: (n,)."""
    if not len(rows.labels):
        return np.empty(0)
    scaled = _unit if renormalised else np.asarray
    errors, wanted = (scaled(_residual(part)) for part in (rows, triggered))
    features, shown = (scaled(part.features) for part in (rows, triggered))
    return ((errors @ wanted.T) * (features @ shown.T)).mean(1)


def _residual(rows: Outputs) -> np.ndarray:
    """Return the gradient of the cross-entropy with respect to the logits: p - y."""
    return softmax(rows.logits, axis=1) - np.eye(rows.logits.shape[1])[rows.labels]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(float).tiny)
