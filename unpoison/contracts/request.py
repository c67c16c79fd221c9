"""The input of an unlearning method."""

from collections.abc import Callable
from dataclasses import dataclass

from unpoison.examples import Examples
from unpoison.networks import Classifier
from unpoison.recipes import Recipe


@dataclass(frozen=True)
class Request:
    """The input of an unlearning method. It does not reveal which rows are poisoned.

    model: the poisoned network; a method must not change it. new_model: returns an untrained network of the same kind
    on the same device, from a seed. retain, forget: the training rows outside and inside the deletion set. validation:
    clean rows set aside before the attack, a trusted sample (empty if the study sets none aside). recipe, precision: of
    the poisoned network's training. seed: of all randomness in the method.
    """

    model: Classifier
    new_model: Callable[[int], Classifier]
    retain: Examples
    forget: Examples
    validation: Examples
    recipe: Recipe
    seed: int
    precision: str = "auto"
