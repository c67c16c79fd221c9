"""The left-out check: how a network that never saw the suspected rows reads them, beside rows that nobody suspects.

A network that is trained without a poisoned row reads it as what it shows and not as it is told. A clean row that it
never saw is read as told about as often as any other clean row of its class. That alone does not tell poisons from a
natural kind of image of which no example is left to learn from. So a class is tampered with only where its suspected
rows also form a group of their own in the features, and where the suspicious model itself has learned them as told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.stats import beta

Judgement = Literal["tampered", "clear", "cannot tell"]
KEPT, ACCUSED, CONTROL = (
    0,
    1,
    2,
)  # roles of the rows: trained on, left out as suspect, left out for comparison
LIMIT = 0.5  # of the ratio of the shares that are read as told: about 0.1 for poisons, 0.5 and more for clean rows
STRIKING = 4.75  # where the check does not confirm a group, only one as far apart is worth a look
APART = 4.0  # standard deviations between a group and its class; a cut through one normal distribution gives about 3
LEARNED = 0.8  # share of the group that the suspicious model itself reads as told
FEWEST = 5  # rows of a group, and control rows of a class, that a judgement needs
SURE = 0.995  # probability that a ratio lies below its upper end, and above its lower one
DRAWS = 20_000


@dataclass(frozen=True)
class Readings:
    """How the suspected rows of one class are read, in one search or in several together.

    accused, control: how many of each there are; accused_as_told, control_as_told: of how many a network that never saw
    them predicts the given label; learned: of how many accused rows the suspicious model predicts it; apart: how far
    the group lies from its class, in standard deviations, times `searches`, the number of searches.
    """

    accused: int = 0
    accused_as_told: int = 0
    control: int = 0
    control_as_told: int = 0
    learned: int = 0
    apart: float = 0.0
    searches: int = 0

    def __add__(self, other: "Readings") -> "Readings":
        pairs = zip(vars(self).values(), vars(other).values(), strict=False)
        return Readings(*(mine + its for mine, its in pairs))

    @cached_property
    def ratio(self) -> tuple[float, float, float]:
        """Share read as told among the accused rows over that among the control rows: (ratio, low, high).

        The ends are quantiles of its posterior under Jeffreys priors, each exceeded with a probability of 0.5 %.
        """
        random = np.random.default_rng(0)
        shares = [
            beta.rvs(told + 0.5, rows - told + 0.5, size=DRAWS, random_state=random)
            for rows, told in ((self.accused, self.accused_as_told), (self.control, self.control_as_told))
        ]
        low, high = np.quantile(shares[0] / shares[1], [1 - SURE, SURE])
        ratio = (
            (self.accused_as_told + 0.5)
            / (self.accused + 1)
            / ((self.control_as_told + 0.5) / (self.control + 1))
        )
        return float(ratio), float(low), float(high)

    @property
    def is_group(self) -> bool:
        """Whether the accused rows form a group of their own that the suspicious model has learned as told."""
        if self.accused < FEWEST * max(1, self.searches):
            return False
        return self.apart >= APART * self.searches and self.learned >= LEARNED * self.accused

    @property
    def judgement(self) -> Judgement:
        """tampered: a group of its own, surely read as told less than half as often as control rows.

        cannot tell: a group that may be so; and a striking one that is read as told, as poisons with right labels would
        be.
        """
        if not self.is_group:
            return "clear"
        if self.control < FEWEST:
            return "cannot tell"
        _, low, high = self.ratio
        if high < LIMIT:
            return "tampered"
        is_striking = self.apart >= STRIKING * self.searches
        return "cannot tell" if is_striking or low < LIMIT else "clear"


def judgement_of(searches: Sequence[Readings]) -> Judgement:
    """Return the judgement of several searches together, of which no single one may speak for a clean class."""
    together = sum(searches, Readings()).judgement
    if together == "tampered" and any(each.is_group and each.ratio[0] >= LIMIT for each in searches):
        return "cannot tell"
    return together


def readings_of(
    role: np.ndarray, as_told: np.ndarray, learned: np.ndarray, apart: np.ndarray, where: np.ndarray
) -> Readings:
    """Return the readings of one class in one search.

    Args:
        role: (n,) KEPT, ACCUSED or CONTROL; as_told, learned: (n,) whether the network of the check and the suspicious
            model predict the given label; apart: (n,) how far the group of the row's class lies from it; where: (n,) a
            mask of the rows of the class.
    """
    accused, control = where & (role == ACCUSED), where & (role == CONTROL)
    return Readings(
        int(accused.sum()),
        int((accused & as_told).sum()),
        int(control.sum()),
        int((control & as_told).sum()),
        int((accused & learned).sum()),
        float(apart[where][0]) if where.any() else 0.0,
        1,
    )
