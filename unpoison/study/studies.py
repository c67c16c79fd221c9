"""A study and its cells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from unpoison.study.levels import REFERENCES


@dataclass(frozen=True)
class Cell:
    """One model of a study. Without a deletion set it is a reference, do_nothing or oracle, or a repair."""

    dataset: str
    seed: int
    poison: str
    training: str
    deletion: str | None
    method: str


@dataclass(frozen=True)
class Study:
    """A study with its axes multiplied out: for each level the names of its variants."""

    name: str
    variants: Mapping[str, tuple[str, ...]]
    seeds: tuple[int, ...]
    varied: tuple[str, ...]  # dotted keys
    empty: frozenset[str]  # deletion sets without a row: with them every method does nothing
    repairs: frozenset[str]  # methods that take none, and are run once for each base model
    unknown: frozenset[str] = frozenset()  # poisons of which nobody knows the rows: there is no oracle

    def cells(self) -> Iterator[Cell]:
        above = product(*(self.variants[level] for level in ("dataset", "poison", "training")))
        for (dataset, poison, training), seed in product(above, self.seeds):
            for method in (*self._references(poison), *self.repairs):
                yield Cell(dataset, seed, poison, training, None, method)
            for deletion, method in product(self.variants["deletion"], self.variants["method"]):
                if method not in (*REFERENCES, *self.repairs) and deletion not in self.empty:
                    yield Cell(dataset, seed, poison, training, deletion, method)

    def _references(self, poison: str) -> Iterator[str]:
        return (name for name in REFERENCES if name != "oracle" or poison not in self.unknown)
