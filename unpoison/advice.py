"""Choose the repair method from measured repairs."""

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from unpoison.errors import UserError

TABLE = Path(__file__).with_name("advice.csv")  # written by docs/advice_table.py
UNKNOWN_RECALL, UNKNOWN_FPR = (0.2, 1.0), (0.0, 0.05)
EQUAL = 0.05  # shares that differ by less count as ties, since each study holds few models
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


@dataclass(frozen=True)
class Candidate:
    """A method with its options, and its measured repairs on deletion lists similar to the user's.

    is_covered: whether it was measured on a list with a recall as low as the user's, and on one with an FPR as high.
    """

    method: str
    options: dict[str, Any]
    rows: tuple[Measured, ...]
    is_covered: bool

    def count(self, name: str) -> int:
        """Return the sum of a count over all rows."""
        return sum(getattr(row, name) for row in self.rows)

    def mean(self, name: str) -> float:
        """Return the mean of a value over all models."""
        return sum(getattr(row, name) * row.models for row in self.rows) / self.count("models")

    @property
    def networks(self) -> dict[str, list[str]]:
        """Return the networks that were repaired, each with the studies that measured it."""
        names = sorted({row.network for row in self.rows})
        return {name: sorted({row.source for row in self.rows if row.network == name}) for name in names}

    @property
    def is_robust(self) -> bool:
        """Return whether it was tried on two networks or more and healed at least 90 % of the models on each."""
        healed = [
            sum(row.healed for row in self.rows if row.network == name)
            / sum(row.models for row in self.rows if row.network == name)
            for name in self.networks
        ]
        return len(healed) > 1 and min(healed) >= ROBUST

    @property
    def worst_attack(self) -> float:
        """Return the largest mean attack success left, over the lists, in %."""
        return max(row.attack for row in self.rows)

    @cached_property
    def healed(self) -> Range:
        """Return the 95 % interval of the share of healed models."""
        return jeffreys(self.count("healed"), self.count("models"))

    @cached_property
    def repaired(self) -> float:
        """Return the lower end of the 95 % interval of the share below 15 % attack success, on the worst network."""
        of_networks = [[row for row in self.rows if row.network == name] for name in self.networks]
        return min(
            jeffreys(sum(row.below_15 for row in rows), sum(row.models for row in rows))[0]
            for rows in of_networks
        )


@dataclass(frozen=True)
class Advice:
    """A method with its options, the reasons in sentences, and all candidates, the best first."""

    method: str
    options: dict[str, Any]
    why: str
    candidates: tuple[Candidate, ...]


def advise(*, recall: Range | None = None, fpr: Range | None = None, budget: float | None = None) -> Advice:
    """Return the method that healed most of the measured models on lists like the user's.

    Evidence comes from lists whose recall and false positive rate (FPR) lie in the given ranges. If a network has
    no list at the hard end of a range, its nearest harder list counts too. Methods that healed 90 % of the models on
    each of two networks come first. They are ranked by the share of models with less than 15 % attack success left, on
    their worst network (lower end of the 95 % Jeffreys interval). Among those within 0.05 of the best, the one that
    healed most models is chosen, then the cheapest.

    Args:
        recall: the least and the largest share of the poisons that the list may hold; None: 0.2 to 1.
        fpr: the least and the largest share of the clean rows that the list may hold; None: 0 to 0.05.
        budget: the most that a repair may cost, in image passes over those of retraining; None: any.

    Raises:
        UserError: for an invalid range, and for a budget below the cost of every measured method.
    """
    recall = _checked("recall", recall or UNKNOWN_RECALL)
    fpr = _checked("fpr", fpr or UNKNOWN_FPR)
    if budget is not None and not budget > 0:
        raise UserError(f"budget: found {budget}, allowed: a number above 0 (1 is the cost of retraining)")
    found = [_candidate(name, json.loads(options), recall, fpr) for name, options in _table()]
    candidates = [one for one in found if one.rows]
    affordable = [one for one in candidates if budget is None or one.mean("passes") <= budget]
    if not affordable:
        least = min(one.mean("passes") for one in candidates)
        raise UserError(
            f"budget: found {budget}, allowed: from {least:.2f} on, the cheapest measured method's cost"
        )
    ranked = tuple(_ranked(affordable))
    return Advice(ranked[0].method, ranked[0].options, _reasons(ranked[0], recall, fpr), ranked)


def jeffreys(count: int, of: int) -> Range:
    """Return the 95 % interval of a share by Jeffreys' prior; the ends are 0 for a count of 0, 1 for a full count."""
    from scipy.stats import beta  # noqa: PLC0415 (the import takes half a second, and --help does not need it)

    low, high = beta.ppf((0.025, 0.975), count + 0.5, of - count + 0.5)
    return (float(low) if count else 0.0), (float(high) if count < of else 1.0)


def _checked(name: str, span: Sequence[float]) -> Range:
    if len(span) != 2 or not 0 <= span[0] <= span[1] <= 1:
        raise UserError(f"{name}: found {span}, allowed: two shares from 0 to 1, the smaller one first")
    return float(span[0]), float(span[1])


@cache
def _table() -> dict[tuple[str, str], list[Measured]]:
    """Return the measured repairs by method and options."""
    known: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    with TABLE.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            key = (line.pop("method"), line.pop("options"))
            types: dict[str, Callable[[str], Any]] = Measured.__annotations__
            known[key].append(Measured(**{name: types[name](value) for name, value in line.items()}))
    return known


def _candidate(method: str, options: dict[str, Any], recall: Range, fpr: Range) -> Candidate:
    rows = _table()[method, json.dumps(options, sort_keys=True)]
    kept: list[Measured] = []
    for network in {row.network: None for row in rows}:
        own = [row for row in rows if row.network == network]
        recalls = _near([-row.recall for row in own], (-recall[1], -recall[0]))
        rates = _near([row.fpr for row in own], fpr)
        kept += [row for row in own if -row.recall in recalls and row.fpr in rates]
    is_covered = (
        any(row.recall <= recall[0] + ALMOST for row in kept)
        and any(row.fpr >= fpr[1] - ROUNDING for row in kept)
    )  # fmt: skip
    return Candidate(method, options, tuple(kept), is_covered)


def _near(values: Sequence[float], span: Range) -> set[float]:
    """Return the values in a range, and the next one above it if none is at its upper end."""
    inside = {value for value in values if span[0] - ROUNDING <= value <= span[1] + ROUNDING}
    above = [value for value in values if value > span[1] + ROUNDING]
    if not above or any(value >= span[1] - ROUNDING for value in inside):
        return inside
    return inside | {min(above)}


def _ranked(candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    """Yield the candidates from best to worst."""
    left = list(candidates)
    while left:
        pool = [one for one in left if one.is_covered] or left
        # Options that heal one network can break another: those of NPO and REM did.
        pool = [one for one in pool if one.is_robust] or pool
        pool = _near_best(pool, lambda one: one.repaired)
        pool = _near_best(pool, lambda one: one.healed[0])
        chosen = min(pool, key=lambda one: (one.mean("passes"), one.method))
        left.remove(chosen)
        yield chosen


def _near_best(pool: Sequence[Candidate], value: Callable[[Candidate], float]) -> list[Candidate]:
    best = max(map(value, pool))
    return [one for one in pool if value(one) >= best - EQUAL]


def _reasons(best: Candidate, recall: Range, fpr: Range) -> str:
    healed, broken, models = (best.count(name) for name in ("healed", "broken", "models"))
    name = best.method + (f" with {_in_words(best.options)}" if best.options else "")
    low, high = (round(100 * end) for end in best.healed)
    sentences = [
        f"{name} healed {healed} of {models} models (95 % interval: {low} to {high} %) and broke {broken}.",
        f"Their lists held {_spread(best, 'recall')} of the poisons and {_spread(best, 'fpr')} of the clean rows.",
        f"The attack success left was {best.mean('attack'):.0f} % on average, and {best.worst_attack:.0f} % at worst.",
        f"A repair cost {best.mean('passes'):.2f} of retraining and {best.mean('clean_lost'):.1f} points of accuracy.",
        "Measured on "
        + "; ".join(f"{name} ({', '.join(told)})" for name, told in best.networks.items())
        + ".",
    ]
    if len(best.networks) == 1:
        sentences.append("It was tried on one network alone, and its options may fail on another.")
    if not best.is_covered:
        asked = f"recall {recall[0]:g} and {100 * fpr[1]:g} % false alarms"
        sentences.append(f"No list with {asked} was measured: this is an extrapolation.")
    if healed < models / 2:
        sentences.append("No measured method is likely to heal such a model: find more of the poisons first.")
    return " ".join(sentences)


def _spread(candidate: Candidate, name: str) -> str:
    values = [round(100 * getattr(row, name)) for row in candidate.rows]
    return f"{min(values)} %" if min(values) == max(values) else f"{min(values)} to {max(values)} %"


def _in_words(options: dict[str, Any]) -> str:
    given = {name: value for name, value in options.items() if value not in (None, "None")}
    return ", ".join(f"{name}: {json.dumps(value).strip(chr(34))}" for name, value in given.items())
