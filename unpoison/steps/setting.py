"""The settings that every step takes, and the function that makes untrained networks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from unpoison.errors import UserError
from unpoison.networks import Classifier
from unpoison.seeds import derive_seed


@dataclass(frozen=True)
class Setting:
    """The settings of a step: the seed of everything random, the device, and the precision of networks."""

    seed: int
    device: torch.device
    precision: str = "auto"

    def seed_of(self, purpose: str) -> int:
        return derive_seed(purpose, self.seed)


def untrained(model: Classifier, device: torch.device) -> Callable[[int], Classifier]:
    """Return a function that makes an untrained network of a model's kind from a seed.

    Raises:
        UserError: when it is called, for a user's own network that came without such a function.
    """

    def new(seed: int) -> Classifier:
        if model.new is None:
            raise UserError(
                "this needs an untrained network, and nothing tells how to make one: give wrap_model a function new() "
                "that returns one"
            )
        return model.new(seed).to(device)

    return new


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the random generators of torch for a block, and restore their states afterwards.

    Nothing here draws from them, but a network with dropout does.
    """
    index = device.index or 0
    with torch.random.fork_rng(devices=[index] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)  # not torch.manual_seed, which seeds the other GPUs too
        if device.type == "cuda":
            torch.cuda.default_generators[index].manual_seed(seed)
        yield
