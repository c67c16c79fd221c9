"""Loss of the given label: poisons are learned first (Li et al. 2021, anti-backdoor learning, arXiv 2110.11571).

With `early` a fresh network is trained for a few epochs, its loss held up at `flooding` (local gradient
ascent: the step goes up where the batch's loss is below it), and rows of the lowest loss are the most
suspicious. Without, the loss is that of the poisoned model. `suspect: high` turns the order round, for wrong
labels without a trigger, which are learned last. The paper isolates 1 % of the rows: `top: 0.01`.

Deviations: 20 of the paper's 100 epochs are the first steps of the recipe, a share `length` of them, at its
own rates; rows are scored in evaluation mode and not augmented.
"""

from typing import Literal

import numpy as np
from scipy.special import logsumexp
from torch.nn.functional import cross_entropy

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.devices import autocast
from unpoison.features import outputs_of
from unpoison.networks import Classifier
from unpoison.outputs import Outputs, Pair
from unpoison.training import optimiser_of, take_step
from unpoison.types import NotNegative, PositiveShare

NEEDS = ()
OWN_RULE = False


def score(
    evidence: Evidence,
    *,
    early: bool = False,
    suspect: Literal["low", "high"] = "low",
    length: PositiveShare = 0.2,
    flooding: NotNegative = 0.5,
) -> Scores:
    """Score every row by the cross-entropy of its given label.

    Args:
        early: look at a network in early training, not at the poisoned model.
        suspect: which losses are suspicious, low (backdoors) or high (wrong labels).
        length: of the early training, as a share of the recipe's steps.
        flooding: the loss below which early training turns round (gamma; 0 never does).
    """
    sign = 1 if suspect == "high" else -1
    found = early_outputs(evidence, length, flooding) if early else evidence.outputs
    training, trusted = (sign * losses(part) for part in found)
    return Scores(training, trusted)


def losses(outputs: Outputs) -> np.ndarray:
    """Cross-entropy of each row's given label: (n,)."""
    rows = np.arange(len(outputs.labels))
    return logsumexp(outputs.logits, axis=1) - outputs.logits[rows, outputs.labels]


def early_outputs(evidence: Evidence, length: float, flooding: float) -> Pair:
    """Return the outputs of the training and of the validation rows by a network in early training."""
    model = early_network(evidence, length, flooding)
    parts = evidence.training, evidence.validation
    training, trusted = (outputs_of(model, part, evidence.precision) for part in parts)
    return training, trusted


def early_network(evidence: Evidence, length: float, flooding: float) -> Classifier:
    """A fresh network after a few epochs in which no batch's loss is pushed below `flooding`."""
    model, recipe = evidence.new_model(evidence.seed).train(), evidence.recipe
    optimizer = optimiser_of(model, recipe, evidence.precision)
    whole, steps = (recipe.steps(len(evidence.training), part) for part in (1.0, length))
    for step, (images, labels) in enumerate(evidence.training.batches(recipe, evidence.seed, steps=steps)):
        with autocast(images.device, evidence.precision):
            logits = model(images)
        loss = cross_entropy(logits.float(), labels)
        take_step(optimizer, loss if loss.detach() >= flooding else -loss, recipe.rate(step, whole))
    return model
