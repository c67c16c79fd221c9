"""Sizes of the parts of `make gpu`: those on a GPU, and tiny ones for its tests on a CPU."""

from dataclasses import dataclass

from benchmarks.team import CORES
from unpoison.recipes import RECIPES, Recipe


@dataclass(frozen=True)
class Sizes:
    """Sizes of the measurements.

    widths: of the timed networks; rows: of a timed epoch; seconds: of an arm in a round; workers: of the plain loop's
    `DataLoader`; processes: numbers of processes on the GPU; products: sizes of the square matrices; probed: width
    of the networks whose steps are compared and counted; recipe, width, poisons: of the cells.
    """

    device: str
    widths: tuple[int, ...]
    rows: int
    seconds: float
    rounds: int
    workers: int
    processes: tuple[int, ...]
    products: tuple[int, ...]
    probed: int
    recipe: Recipe
    width: int
    poisons: int


ON_GPU = Sizes(
    device="cuda",
    widths=(16, 64),
    rows=20_480,
    seconds=4.0,
    rounds=3,
    workers=min(CORES, 16),
    processes=(1, 2, 4, 8),
    products=(4096, 8192),
    probed=16,
    recipe=RECIPES["published"],
    width=64,
    poisons=1000,
)
TINY = Sizes(
    device="cpu",
    widths=(2,),
    rows=64,
    seconds=0.0,
    rounds=1,
    workers=0,
    processes=(1, 2),
    products=(64,),
    probed=2,
    recipe=Recipe(learning_rate=0.025, batch_size=16, iterations=8),
    width=2,
    poisons=10,
)
