"""The input of a detector."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unpoison.examples import Examples
from unpoison.features import outputs_of
from unpoison.networks import Classifier
from unpoison.outputs import Pair
from unpoison.recipes import Recipe


@dataclass(frozen=True)
class Evidence:
    """The input of a detector. It does not reveal which rows are poisoned, or how many.

    model: the network trained on all training rows; a detector must not change it. new_model: returns an untrained
    network of the same kind on the same device, from a seed. training: the training rows. validation: clean rows that
    were set aside before the attack, a trusted sample (empty if the study sets none aside). triggered: trusted images
    with the trigger stamped on, labelled with the attacker's target (empty unless the detector declares them).
    training_ids, validation_ids: the rows' ids, from which all randomness is derived. class_names: indexed by the
    labels. recipe, precision: of the network's training. seed: of all randomness. outputs: the features and logits of
    the training rows and of the validation rows, computed once for all detectors.
    """

    model: Classifier
    new_model: Callable[[int], Classifier]
    training: Examples
    validation: Examples
    triggered: Examples
    training_ids: np.ndarray
    validation_ids: np.ndarray
    class_names: tuple[str, ...]
    recipe: Recipe
    seed: int
    precision: str = "auto"
    _stored: Pair | None = None  # outputs saved by the job of the base model, in the order of these rows

    @cached_property
    def outputs(self) -> Pair:
        """The model's outputs for the training and the validation rows, stamped and not augmented.

        Raises:
            UserError: for logits that are not finite, and at the first access to features that the network lacks.
        """
        parts = self.training, self.validation
        if self._stored is None:
            training, validation = (outputs_of(self.model, part, self.precision) for part in parts)
            return training, validation
        for part in parts:
            # The cost of a detector includes these passes, even if another job computed the outputs.
            part.count_forward(len(part))
        return self._stored
