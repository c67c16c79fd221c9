"""Recipes: how a network is trained, in numbers."""

from dataclasses import dataclass

from unpoison.errors import UserError


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: SGD with a linear warm-up to the peak rate and a linear decay.

    Exactly one of `epochs` and `iterations` is given. `warmup` is a share of the steps; `decay_span` is
    where the decay would reach zero, in shares of the steps: 1 ends at zero, 1.25 (Goel et al. 2024) at
    a fifth of the peak. With a `filter_rate` the filters of convolutions are trained by Muon, at that many
    times the learning rate.
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

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.iterations is None):
            raise UserError(
                f"a recipe takes either epochs or iterations; found epochs={self.epochs}, iterations={self.iterations}"
            )

    def steps(self, rows: int, length: float = 1.0) -> int:
        """Optimiser steps for that many training rows; `length` scales the whole training."""
        whole = self.iterations or self.epochs * -(-rows // self.batch_size)  # type: ignore[operator]
        return max(1, round(whole * length))

    @property
    def augments(self) -> bool:
        """Whether an image looks different from epoch to epoch."""
        return self.flip or self.crop_padding > 0

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of one step (0-based) out of `steps`."""
        warm = max(1, round(self.warmup * steps))
        rising = (step + 1) / warm
        falling = 1 - (step + 1 - warm) / (self.decay_span * steps - warm + 1)
        return self.learning_rate * min(rising, falling)


# Of networks as ResNet-9, on tens of thousands of small images; docs/performance.md holds one against the other.
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
