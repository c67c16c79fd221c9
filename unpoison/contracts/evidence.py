"""The input of a detector."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unpoison.examples import Examples
from unpoison.networks import Classifier
from unpoison.recipes import Recipe


@dataclass(frozen=True)
class Evidence:
    """All that a detector may know; nothing in it says which rows are poisoned, or how many are.

    model: the network trained on all training rows, to be left untouched; new_model: an untrained one of the
    same kind and device from a seed; training: the training rows; validation: clean rows that were set aside
    before the attack, a trusted sample (none where the study sets none aside); triggered: trusted images with
    the trigger stamped on, labelled as the attacker wants them taken (none unless the detector declares
    them); training_ids, validation_ids: the rows' names, by which everything random is drawn; class_names:
    what labels index; recipe, precision: how the network was trained; seed: of everything random.
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
