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
    """All that a detector may know; nothing in it says which rows are poisoned, or how many are.

    model: the network trained on all training rows, to be left untouched; new_model: an untrained one of the
    same kind and device from a seed; training: the training rows; validation: clean rows that were set aside
    before the attack, a trusted sample (none where the study sets none aside); triggered: trusted images with
    the trigger stamped on, labelled as the attacker wants them taken (none unless the detector declares
    them); training_ids, validation_ids: the rows' names, by which everything random is drawn; class_names:
    what labels index; recipe, precision: how the network was trained; seed: of everything random;
    outputs: the features and logits of the training rows and of the validation rows, which detectors share.
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
    _stored: Pair | None = None  # outputs that the job of the base model kept, in the order of these rows

    @cached_property
    def outputs(self) -> Pair:
        """The model's outputs of the training and of the validation rows, stamped and not augmented.

        Raises:
            UserError: for logits that are not finite, and on the first look at features that the network has not.
        """
        parts = self.training, self.validation
        if self._stored is None:
            training, validation = (outputs_of(self.model, part, self.precision) for part in parts)
            return training, validation
        for part in parts:
            # A detector's cost counts what it needs by itself, whoever else needed the same.
            part.count_forward(len(part))
        return self._stored
