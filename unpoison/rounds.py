"""The two rules of adaptive studies: bisect a range of recalls, or add seeds until the interval of a share is narrow.

A rule reads the present outcomes and returns the next runs. It draws nothing at random, so the same outcomes lead to
the same runs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

BISECT, UNTIL = "bisect", "until settled"  # the names of the rules
DIGITS = 6  # decimals of a recall, which becomes part of a folder name
State = Literal["open", "done", "settled", "at the limit", "no outcome"]


class Halved(NamedTuple):
    """The state of the bisection of one seed.

    low: the highest recall that did not heal the model; high: the lowest that did; None if there is none so far.
    next: the recall to try, None if all steps are done or an outcome is undefined.
    """

    low: float | None
    high: float | None
    next: float | None
    tried: int
    healed: int
    state: State


class Settled(NamedTuple):
    """The state of a cell's seeds: seeds looked at, seeds with an outcome, healed seeds, total seeds to run next."""

    seeds: int
    n: int
    healed: int
    next: int | None
    state: State


@dataclass(frozen=True)
class Bisection:
    """The recall at which a method begins to heal, for each seed, within 1 / 2^steps of the range.

    The first recall is the middle of the range. The next is the middle of the upper half if the model was not healed,
    and of the lower half if it was. low, high: the ends, which are not tried; steps: number of models of each seed.
    """

    low: float
    high: float
    steps: int

    def values(self) -> list[float]:
        """Return every recall that can be asked for, ascending."""
        parts = 2**self.steps
        return [round(self.low + (self.high - self.low) * place / parts, DIGITS) for place in range(1, parts)]

    def path(self, low: float | None, high: float | None) -> Iterator[float]:
        """Yield the recalls that lead to a bracket, in the order of the steps, and the one to try next.

        Args:
            low, high: as in `Halved`.
        """
        values = self.values()
        below, above = 0, 2**self.steps
        while above - below > 1:
            middle = (below + above) // 2
            recall = values[middle - 1]
            yield recall
            if low is not None and recall <= low:
                below = middle
            elif high is not None and recall >= high:
                above = middle
            else:
                return

    def follow(self, outcomes: Mapping[float, bool | None]) -> Halved:
        """Return the state of the bisection after the outcomes.

        Args:
            outcomes: whether each recall healed the model; None without an outcome. Outcomes off the path are not
                read.
        """
        low: float | None = None
        high: float | None = None
        healed = 0
        for tried in range(self.steps):
            *_, recall = self.path(low, high)
            if recall not in outcomes:
                return Halved(low, high, recall, tried, healed, "open")
            outcome = outcomes[recall]
            if outcome is None:
                return Halved(low, high, None, tried, healed, "no outcome")
            healed += outcome
            low, high = (low, recall) if outcome else (recall, high)
        return Halved(low, high, None, self.steps, healed, "done")


@dataclass(frozen=True)
class Settling:
    """Add seeds in steps until the interval of the share of healed models is narrow (see `proportions.is_settled`)."""

    at_least: int
    at_most: int
    step: int

    def looks(self) -> list[int]:
        """Return the numbers of seeds at which the rule looks."""
        return [*range(self.at_least, self.at_most, self.step), self.at_most]

    def follow(self, outcomes: Sequence[bool | None]) -> Settled:
        """Return the state of the cell after the outcomes.

        Args:
            outcomes: for the seeds 0, 1, ...: whether the model is healed; None without an outcome, which does not
                count in the share.
        """
        from unpoison.proportions import is_settled  # noqa: PLC0415 (scipy; planning does not need it)

        found = Settled(0, 0, 0, self.at_least, "open")
        for look in self.looks():
            if len(outcomes) < look:
                return found._replace(next=look)
            known = [outcome for outcome in outcomes[:look] if outcome is not None]
            found = Settled(look, len(known), sum(known), None, "open")
            if is_settled(found.healed, found.n):
                return found._replace(state="settled")
        return found._replace(state="at the limit")
