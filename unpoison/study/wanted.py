"""The cells that an adaptive study plans, by the decisions so far."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from unpoison.levels import LEVELS
from unpoison.rounds import BISECT, UNTIL, Bisection, Settling

# Data set, poison, training, deletion set or chain, method; for a bisection the seed too.
Names = tuple[str, ...]


@dataclass(frozen=True)
class Halving:
    """A study that bisects the recall.

    chains: the chain and the recall of each deletion set; the sets of a chain differ only in recall. decided: for each
    chain, method and seed the highest recall that did not heal the model and the lowest that did, None for none.
    """

    rule: Bisection
    chains: Mapping[str, tuple[str, float]]
    decided: Mapping[Names, tuple[float | None, float | None]] = field(default_factory=dict)

    def wants(self, names: Names, seed: int) -> bool:
        """Return whether the model of a cell (data set, poison, training, deletion set, method) is planned."""
        *place, deletion, method = names
        chain, recall = self.chains[deletion]
        low, high = self.decided.get((*place, chain, method, str(seed)), (None, None))
        return recall in self.rule.path(low, high)

    def asked(self) -> dict[str, Any]:
        """Return the rule and its settings as plain values (see `unpoison.deciding.decisions`)."""
        chains = {name: list(chain) for name, chain in sorted(self.chains.items())}
        return {"rule": BISECT, "options": asdict(self.rule), "chains": chains}

    def wants_others(self, seed: int) -> bool:
        """Return whether the models of a seed that have no deletion set are planned."""
        return True

    def words(self) -> str:
        """Return the rule in sentences for the report."""
        return (
            f"The recall is bisected for each seed and method, between {self.rule.low:g} and {self.rule.high:g} in "
            f"{self.rule.steps} steps. A seed counts as healed at every recall above one that healed it, and as not "
            "healed at every recall below one that did not."
        )

    def seeds_at_ends(self, seeds: int) -> tuple[int, int]:
        """Return the fewest and the most seeds of the whole study."""
        return seeds, seeds

    def bounds(self, cells: int, seeds: int) -> tuple[int, int]:
        """Return the fewest and the most repaired models that the whole study can take.

        Args:
            cells: the number of cells with a deletion set, at every possible recall; seeds: their number.
        """
        bisections = cells // len(self.rule.values()) * seeds
        return bisections, bisections * self.rule.steps


@dataclass(frozen=True)
class Growing:
    """A study whose seeds are added until its named cells are settled.

    cells: those that seeds are added for; the others have the least number. decided: the seeds to run of each of them.
    """

    rule: Settling
    cells: frozenset[Names]
    decided: Mapping[Names, int] = field(default_factory=dict)

    def wants(self, names: Names, seed: int) -> bool:
        """Return whether the model of a cell is planned. Cells that are not named have the least number of seeds."""
        return seed < self.seeds(names)

    def asked(self) -> dict[str, Any]:
        """Return the rule and its settings as plain values (see `unpoison.deciding.decisions`)."""
        return {"rule": UNTIL, "options": asdict(self.rule), "cells": sorted(map(list, self.cells))}

    def wants_others(self, seed: int) -> bool:
        """Return whether the repairs of a seed that take no deletion set are planned."""
        return seed < self.rule.at_least

    def seeds(self, names: Names) -> int:
        """Return the number of seeds that are planned for a cell."""
        wanted = self.decided.get(names, 0) if names in self.cells else 0
        return min(max(wanted, self.rule.at_least), self.rule.at_most)

    def words(self) -> str:
        """Return the rule in sentences for the report."""
        return (
            f"Seeds are added to {len(self.cells)} cell{'s' * (len(self.cells) > 1)} from {self.rule.at_least} up to "
            f"{self.rule.at_most}, until the share of healed models is known well enough. The other cells have "
            f"{self.rule.at_least}."
        )

    def seeds_at_ends(self, seeds: int) -> tuple[int, int]:
        """Return the fewest and the most seeds of the whole study."""
        return self.rule.at_least, self.rule.at_most

    def bounds(self, cells: int, seeds: int) -> tuple[int, int]:
        """Return the fewest and the most repaired models that the whole study can take.

        Args:
            cells: the number of cells with a deletion set; seeds: the number planned so far, not used here.
        """
        few, many = self.rule.at_least, self.rule.at_most
        others = cells - len(self.cells)
        return cells * few, len(self.cells) * many + others * few


Adaptive = Halving | Growing


def with_decisions(asked: Adaptive, decided: Collection[Mapping[str, Any]]) -> Adaptive:
    """Return an adaptive rule with the decisions so far."""
    places = [tuple(line[level] for level in LEVELS) for line in decided]
    if isinstance(asked, Growing):
        seeds = [line["next"] or line["models"] for line in decided]
        return Growing(asked.rule, asked.cells, dict(zip(places, map(int, seeds), strict=True)))
    brackets = [(line["low"], line["high"]) for line in decided]
    chains = [(*place, str(line["seed"])) for place, line in zip(places, decided, strict=True)]
    return Halving(asked.rule, asked.chains, dict(zip(chains, brackets, strict=True)))
