"""Measured repairs of the shipped table, and which of them are evidence for a range of deletion lists."""

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("advice.csv")  # written by docs/advice_table.py
ROBUST = 0.9  # share of models
ROUNDING = 0.005  # rates in the table have two decimals
ALMOST = 0.05 + ROUNDING  # a measured list with a recall higher by this much still covers the asked recall
Range = tuple[float, float]


@dataclass(frozen=True)
class Measured:
    """Repairs by one method on one kind of deletion set, counted over the models of one study.

    healed: models with less than half of the attack left, at less than 10 points of clean accuracy. broken: models
    that lost 10 points or more. below_15: healed models with an attack success below 15 %. attack: mean attack
    success left, in %. clean_lost, target_lost: means, in points. passes: image passes over those of retraining.
    """

    recall: float
    fpr: float
    healed: int
    broken: int
    below_15: int
    models: int
    attack: float
    clean_lost: float
    target_lost: float
    passes: float
    network: str
    source: str
    commit: str


Rows = tuple[Measured, ...]


@dataclass(frozen=True)
class Candidate:
    """A method with its options, and its measured repairs on deletion lists similar to the user's.

    groups: the evidence for each kind of list in the user's range. gap: how far the hardest list of the range is
    beyond the measured ones, in recall and FPR together; 0 if a network was measured on a list with a recall as low,
    and on one with an FPR as high.
    """

    method: str
    options: dict[str, Any]
    groups: tuple[Rows, ...]
    gap: float

    @property
    def is_covered(self) -> bool:
        """Return whether no list of the range is beyond the measured ones."""
        return self.gap == 0

    @cached_property
    def rows(self) -> Rows:
        """Return the repairs of all groups, each once."""
        return tuple({id(row): row for group in self.groups for row in group}.values())

    def count(self, name: str) -> int:
        """Return the sum of a count over all rows."""
        return total(self.rows, name)

    def mean(self, name: str) -> float:
        """Return the mean of a value over all models."""
        return sum(getattr(row, name) * row.models for row in self.rows) / self.count("models")

    @cached_property
    def cost(self) -> float:
        """Return the largest mean cost of a repair, over the lists, in image passes over those of retraining."""
        return max(row.passes for row in self.rows)

    @cached_property
    def networks(self) -> dict[str, list[str]]:
        """Return the networks that were repaired, each with the studies that measured it."""
        names = sorted({row.network for row in self.rows})
        return {name: sorted({row.source for row in self.rows if row.network == name}) for name in names}

    @cached_property
    def is_robust(self) -> bool:
        """Return whether each group has two networks or more, with at least 90 % of the models healed on each."""
        return all(
            len(
                shares := [
                    total(rows, "healed") / total(rows, "models") for rows in by_network(group).values()
                ]
            )
            > 1
            and min(shares) >= ROBUST
            for group in self.groups
        )

    @property
    def worst_attack(self) -> float:
        """Return the largest mean attack success left, over the lists, in %."""
        return max(row.attack for row in self.rows)

    @cached_property
    def worst(self) -> Rows:
        """Return the group with the lowest bound of the share of healed models."""
        return min(self.groups, key=lambda group: (bound(group, "healed"), bound(group, "below_15")))

    @cached_property
    def heals_half(self) -> bool:
        """Return whether at least half of the models of the worst group were healed."""
        return 2 * total(self.worst, "healed") >= total(self.worst, "models")

    @cached_property
    def healed(self) -> float:
        """Return the lower end of the 95 % interval of the share of healed models, in the worst group."""
        return bound(self.worst, "healed")

    @cached_property
    def repaired(self) -> float:
        """Return the lower end of the 95 % interval of the share below 15 % attack success, in the worst group."""
        return min(bound(group, "below_15") for group in self.groups)


def total(rows: Sequence[Measured], name: str) -> int:
    """Return the sum of a count over rows."""
    return sum(getattr(row, name) for row in rows)


def bound(rows: Sequence[Measured], name: str) -> float:
    """Return the lower end of the 95 % interval of the share of the models that a count holds."""
    from unpoison.proportions import jeffreys  # noqa: PLC0415 (scipy takes half a second, and --help does not need it)

    return jeffreys(total(rows, name), total(rows, "models"))[0]


def by_network(rows: Sequence[Measured]) -> dict[str, list[Measured]]:
    """Return the rows of each network."""
    found: dict[str, list[Measured]] = defaultdict(list)
    for row in rows:
        found[row.network].append(row)
    return found


@cache
def table() -> dict[tuple[str, str], list[Measured]]:
    """Return the measured repairs by method and options."""
    known: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    with TABLE.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            key = (line.pop("method"), line.pop("options"))
            types: dict[str, Callable[[str], Any]] = Measured.__annotations__
            known[key].append(Measured(**{name: types[name](value) for name, value in line.items()}))
    return known


def candidates(recall: Range, fpr: Range) -> Iterator[Candidate]:
    """Yield each method of the table with its evidence for all lists in the ranges."""
    for (method, options), rows in table().items():
        # The evidence changes only at these values, so it is the same between two of them.
        networks = list(by_network(rows).values())
        starts = {row.recall - ROUNDING for row in rows}
        starts |= {min(row.recall for row in own) - ALMOST for own in networks}
        ends = {row.fpr + ROUNDING for row in rows}
        points = [
            (share, rate)
            for share in (recall[0], *(start for start in starts if recall[0] < start <= recall[1]))
            for rate in (fpr[1], *(end for end in ends if fpr[0] <= end < fpr[1]))
        ]
        place = {id(row): number for number, row in enumerate(rows)}
        groups = {
            tuple(sorted(place[id(row)] for row in group)): group
            for group in (_evidence(networks, *point) for point in points)
        }
        gap = min(_gap(own, recall[0], fpr[1]) for own in networks)
        yield Candidate(method, json.loads(options), tuple(groups[key] for key in sorted(groups)), gap)


def _gap(rows: Sequence[Measured], recall: float, fpr: float) -> float:
    missing = max(0.0, min(row.recall for row in rows) - recall - ALMOST)
    return missing + max(0.0, fpr - ROUNDING - max(row.fpr for row in rows))


def _evidence(networks: Sequence[Sequence[Measured]], recall: float, fpr: float) -> Rows:
    """Return the repairs that are evidence for a list, on the networks that cover it, or else on all networks."""
    covering = [own for own in networks if _gap(own, recall, fpr) == 0]
    return tuple(row for own in covering or networks for row in _nearest(own, recall, fpr))


def _nearest(rows: Sequence[Measured], recall: float, fpr: float) -> list[Measured]:
    """Return the repairs on the nearest lists of one network that are at least as hard as the asked one.

    A list is harder if its recall is lower or its FPR higher. If no list is as hard in both, the nearest list that
    is as hard in recall and the nearest one that is as hard in FPR count. Beyond the measured lists, the hardest
    one takes the place of a harder one.
    """
    recall = max(recall + ROUNDING, min(row.recall for row in rows))
    fpr = min(fpr - ROUNDING, max(row.fpr for row in rows))
    few = [row for row in rows if row.recall <= recall]
    many = [row for row in rows if row.fpr >= fpr]
    both = [row for row in few if row.fpr >= fpr]
    if both:
        nearest = max(_ease(row) for row in both)
        return [row for row in both if _ease(row) == nearest]
    least = max(few, key=lambda row: (row.recall, row.fpr))
    most = min(many, key=lambda row: (row.fpr, row.recall))
    ends = {(least.recall, least.fpr), (most.recall, most.fpr)}
    return [row for row in rows if (row.recall, row.fpr) in ends]


def _ease(row: Measured) -> float:
    """Return the recall minus the FPR; of harder lists, the nearest in recall and FPR together has the largest."""
    return round(row.recall - row.fpr, 4)
