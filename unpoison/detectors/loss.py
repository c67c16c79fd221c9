"""Loss of the given label: poisons are learned first (Li et al. 2021, anti-backdoor learning, arXiv 2110.11571).

A fresh network is trained for a few epochs. Local gradient ascent holds its loss at `flooding`: a step
ascends if the batch's loss is below that. Rows of the lowest loss are the most suspicious. With `early:
false` the loss is that of the poisoned model, at no cost. `suspect: high` reverses the order, for wrong
labels without a trigger, which are learned last. The paper isolates 1 % of the rows: `top: 0.01`.

The authors (bboylyg/ABL) train 20 of 100 epochs at one rate, and score rows in evaluation mode and not augmented. The
optimiser, its rate and the batch size are the recipe's here, and `length` is a share of its steps.
"""

from typing import Literal

import numpy as np
import torch
from scipy.special import logsumexp
from torch.nn.functional import cross_entropy

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.devices import autocast
from unpoison.features import outputs_of
from unpoison.networks import Classifier
from unpoison.outputs import Outputs, Pair
from unpoison.training import check_losses, optimiser_of, take_step
from unpoison.types import NotNegative, PositiveShare

NEEDS = ()
OWN_RULE = False


def score(
    evidence: Evidence,
    *,
    early: bool = True,
    suspect: Literal["low", "high"] = "low",
    length: PositiveShare = 0.2,
    flooding: NotNegative = 0.5,
    rate: Literal["constant", "recipe"] = "constant",
) -> Scores:
    """Score every row by the cross-entropy of its given label.

    Args:
        early: use a network in early training, as published, or the poisoned model.
        suspect: which losses are suspicious, low as published (backdoors) or high (wrong labels).
        length: of the early training, as a share of the recipe's steps; 0.2 as published.
        flooding: the loss below which a step of early training ascends (gamma); 0.5 as published, 0 never
            ascends.
        rate: the recipe's learning rate throughout, as published, or the rates of the recipe's first steps.
    """
    sign = 1 if suspect == "high" else -1
    found = early_outputs(evidence, length, flooding, rate) if early else evidence.outputs
    training, trusted = (sign * losses(part) for part in found)
    return Scores(training, trusted)


def losses(outputs: Outputs) -> np.ndarray:
    """Return the cross-entropy of each row's given label: (n,)."""
    rows = np.arange(len(outputs.labels))
    return logsumexp(outputs.logits, axis=1) - outputs.logits[rows, outputs.labels]


def early_outputs(
    evidence: Evidence, length: float, flooding: float, rate: Literal["constant", "recipe"]
) -> Pair:
    """Return the outputs of the training and of the validation rows by a network in early training."""
    model = early_network(evidence, length, flooding, rate)
    parts = evidence.training, evidence.validation
    training, trusted = (outputs_of(model, part, evidence.precision) for part in parts)
    return training, trusted


def early_network(
    evidence: Evidence, length: float, flooding: float, rate: Literal["constant", "recipe"] = "constant"
) -> Classifier:
    """Return a fresh network after a few epochs in which no batch's loss is pushed below `flooding`."""
    model, recipe = evidence.new_model(evidence.seed).train(), evidence.recipe
    optimizer = optimiser_of(model, recipe, evidence.precision)
    whole, steps = (recipe.steps(len(evidence.training), part) for part in (1.0, length))
    for step, (images, labels) in enumerate(evidence.training.batches(recipe, evidence.seed, steps=steps)):
        with autocast(images.device, evidence.precision):
            logits = model(images)
        loss = cross_entropy(logits.float(), labels)
        of_step = recipe.learning_rate if rate == "constant" else recipe.rate(step, whole)
        sign = torch.where(loss.detach() >= flooding, 1.0, -1.0)  # an `if` would force a GPU synchronisation
        take_step(optimizer, sign * loss, of_step)
    check_losses(optimizer)
    return model
