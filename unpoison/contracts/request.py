"""The input of an unlearning method."""

from collections.abc import Callable
from dataclasses import dataclass

from unpoison.examples import Examples
from unpoison.networks import Classifier
from unpoison.recipes import Recipe


@dataclass(frozen=True)
class Request:
    """All that a method may know; nothing in it says which rows are poisoned.

    model: the poisoned network, to be left untouched; new_model: an untrained one of the same kind and
    device from a seed; retain, forget: the training rows without and within the deletion set; validation:
    clean rows set aside before the attack, a trusted sample (none where the study sets none aside); recipe,
    precision: how the poisoned network was trained; seed: of everything random in the method.
    """

    model: Classifier
    new_model: Callable[[int], Classifier]
    retain: Examples
    forget: Examples
    validation: Examples
    recipe: Recipe
    seed: int
    precision: str = "auto"
