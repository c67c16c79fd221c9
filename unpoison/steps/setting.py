"""What every step is told, and where untrained networks come from."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from unpoison.errors import UserError
from unpoison.networks import Classifier
from unpoison.seeds import derive_seed


@dataclass(frozen=True)
class Setting:
    """What every step is told: the seed of everything random, the device, and what networks compute in."""

    seed: int
    device: torch.device
    precision: str = "auto"

    def seed_of(self, purpose: str) -> int:
        return derive_seed(purpose, self.seed)


def untrained(model: Classifier, device: torch.device) -> Callable[[int], Classifier]:
    """A function that gives untrained networks of a model's kind by their seed.

    Raises:
        UserError: when it is called, for a user's own network that came without such a function.
    """

    def new(seed: int) -> Classifier:
        if model.new is None:
            raise UserError(
                "this method trains a network from scratch, and nothing tells how to make one: give wrap_model a "
                "function new() that returns an untrained network"
            )
        return model.new(seed).to(device)

    return new
