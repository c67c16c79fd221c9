"""Recipes: the hyper-parameters of training a network."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from unpoison.errors import UserError, one_of
from unpoison.plain_values import plain

LARGEST, MOST_EXACT = 2**31 - 1, 2**53 - 1
# For each number of a recipe: type, minimum, maximum, and the range in words.
LIMITS: dict[str, tuple[type, float, float, str]] = {
    "learning_rate": (float, 5e-324, MOST_EXACT, "a number above 0"),
    "batch_size": (int, 2, LARGEST, "an integer from 2 on"),
    "epochs": (int, 1, LARGEST, "an integer above 0"),
    "iterations": (int, 1, LARGEST, "an integer above 0"),
    "momentum": (float, 0, 1 - 2**-53, "a number from 0 to below 1"),
    "weight_decay": (float, 0, MOST_EXACT, "a number from 0 on"),
    "warmup": (float, 0, 1, "a number from 0 to 1"),
    "decay_span": (float, 1, MOST_EXACT, "a number from 1 on"),
    "crop_padding": (int, 0, 64, "an integer from 0 to 64"),
    "flip": (bool, 0, 1, "True or False"),
    "label_smoothing": (float, 0, 1 - 2**-53, "a number from 0 to below 1"),
    "filter_rate": (float, 5e-324, MOST_EXACT, "a number above 0"),
    "adam_rate": (float, 5e-324, MOST_EXACT, "a number above 0"),
}


@dataclass(frozen=True)
class Recipe:
    """A training recipe: SGD with a linear warm-up to the peak rate and a linear decay.

    Exactly one of `epochs` and `iterations` is given. `warmup` is a share of the steps. `decay_span` is
    the point at which the decay reaches zero, in shares of the steps: 1 ends at zero, 1.25 (Goel et al. 2024) at
    a fifth of the peak. With a `filter_rate` the filters of convolutions are trained by Muon, at that many
    times the learning rate. With an `adam_rate` whole trainings use Adam, at that many times the learning rate and
    without weight decay; methods still step with SGD at the learning rate.
    """

    learning_rate: float
    batch_size: int
    epochs: int | None = None
    iterations: int | None = None
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup: float = 0.01
    decay_span: float = 1.25
    crop_padding: int = 4
    flip: bool = True
    label_smoothing: float = 0.0
    filter_rate: float | None = None
    adam_rate: float | None = None

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.iterations is None):
            raise UserError(
                f"a recipe takes either epochs or iterations; found epochs={self.epochs}, iterations={self.iterations}"
            )
        if self.filter_rate is not None and self.adam_rate is not None:
            raise UserError(
                f"a recipe takes filter_rate or adam_rate or neither; found {self.filter_rate} and {self.adam_rate}"
            )

    def steps(self, rows: int, length: float = 1.0) -> int:
        """Return the number of optimiser steps for a number of training rows; `length` scales the whole training."""
        whole = self.iterations or self.epochs * -(-rows // self.batch_size)  # type: ignore[operator]
        return max(1, round(whole * length))

    @property
    def augments(self) -> bool:
        """Return whether an image looks different from epoch to epoch."""
        return self.flip or self.crop_padding > 0

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of one step (0-based) out of `steps`."""
        warm = max(1, round(self.warmup * steps))
        rising = (step + 1) / warm
        falling = 1 - (step + 1 - warm) / (self.decay_span * steps - warm + 1)
        return self.learning_rate * min(rising, falling)


# For networks like ResNet-9 on tens of thousands of small images; docs/performance.md compares the two.
RECIPES = {
    "fast": Recipe(
        learning_rate=0.1,
        batch_size=128,
        epochs=8,
        warmup=0.1,
        decay_span=1.0,
        label_smoothing=0.1,
        filter_rate=0.6,
    ),
    "published": Recipe(learning_rate=0.025, batch_size=512, iterations=4000),
}


def recipe_of(recipe: str | Recipe | Mapping[str, Any]) -> Recipe:
    """Return a checked recipe from a name in RECIPES, a Recipe, or the keys of one.

    Raises:
        UserError: for an unknown name or key, a missing key, and a number that is out of range.
    """
    if isinstance(recipe, str):
        if recipe not in RECIPES:
            raise one_of("recipe", recipe, RECIPES)
        return RECIPES[recipe]
    if isinstance(recipe, Mapping):
        for key in recipe:
            if key not in LIMITS:
                raise one_of("key of a recipe", key, LIMITS)
        for key in ("learning_rate", "batch_size"):
            if key not in recipe:
                raise UserError(f"recipe: {key} is missing; it takes {LIMITS[key][3]}")
        recipe = Recipe(**plain(recipe))
    if not isinstance(recipe, Recipe):
        raise UserError(
            f"recipe: found {type(recipe).__name__}, allowed: a name ({', '.join(RECIPES)}), a Recipe or its keys"
        )
    for field in fields(Recipe):
        value = getattr(recipe, field.name)
        is_unset = value is None and field.default is None
        if not is_unset and not _is_within(value, *LIMITS[field.name][:3]):
            raise UserError(f"recipe.{field.name}: found {value!r}, allowed: {LIMITS[field.name][3]}")
    return recipe


def _is_within(value: object, kind: type, low: float, high: float) -> bool:
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    return isinstance(value, (int, float) if kind is float else int) and low <= value <= high
