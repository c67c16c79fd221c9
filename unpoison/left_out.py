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
USUAL = 3.0  # standard deviations between the parts of one normal distribution that is cut
APART = 4.0  # and between a group and its class
BEYOND = (
    1.0  # and so many more than in the median of the other classes, whose groups are natural kinds of image
)
STRIKING = (
    4.75  # standard deviations that need no comparison, since the other classes may be tampered with too
)
LEARNED = 0.8  # share of the group that the suspicious model itself reads as told
FEWEST = 5  # rows of a group, and control rows of a class, that a judgement needs
SURE = 0.995  # probability that a ratio lies below its upper end, and above its lower one
DRAWS = 20_000


@dataclass(frozen=True)
class Readings:
    """How the suspected rows of one class are read, in one search or in several together.

    accused, control: how many of each there are; accused_as_told, control_as_told: of how many a network that never saw
    them predicts the given label; learned: of how many accused rows the suspicious model does; apart: how far the group
    lies from its class, in standard deviations, and beyond: how much farther than in the median of the other classes,
    both added up over the `searches`.
    """

    accused: int = 0
    accused_as_told: int = 0
    control: int = 0
    control_as_told: int = 0
    learned: int = 0
    apart: float = 0.0
    beyond: float = 0.0
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
        if self.accused < FEWEST * max(1, self.searches) or self.learned < LEARNED * self.accused:
            return False
        is_far = self.apart >= APART * self.searches and self.beyond >= BEYOND * self.searches
        return is_far or self.apart >= STRIKING * self.searches

    @property
    def judgement(self) -> Judgement:
        """tampered: a group of its own, surely read as told less than half as often as control rows.

        cannot tell: a group that may be so; and one that is read as told, as poisons with right labels would be.
        """
        if not self.is_group:
            return "clear"
        if self.control < FEWEST:
            return "cannot tell"
        return "tampered" if self.ratio[2] < LIMIT else "cannot tell"


def judgement_of(searches: Sequence[Readings]) -> Judgement:
    """Return the judgement of several searches together, of which no single one may speak for a clean class."""
    together = sum(searches, Readings()).judgement
    if together == "tampered" and any(each.accused >= FEWEST and each.ratio[0] >= LIMIT for each in searches):
        return "cannot tell"
    return together


def readings_of(
    role: np.ndarray, as_told: np.ndarray, learned: np.ndarray, apart: np.ndarray, labels: np.ndarray
) -> dict[int, Readings]:
    """Return the readings of each class in one search.

    Args:
        role: (n,) KEPT, ACCUSED or CONTROL; as_told, learned: (n,) whether the network of the check and the suspicious
            model predict the given label; apart: (n,) how far the group of the row's class lies from it; labels: (n,)
            the given labels.
    """
    far = {int(label): float(apart[labels == label][0]) for label in np.unique(labels)}
    found = {}
    for label, distance in far.items():
        accused, control = ((labels == label) & (role == wanted) for wanted in (ACCUSED, CONTROL))
        others = [max(its, USUAL) for other, its in far.items() if other != label]
        found[label] = Readings(
            int(accused.sum()),
            int((accused & as_told).sum()),
            int(control.sum()),
            int((control & as_told).sum()),
            int((accused & learned).sum()),
            distance,
            distance - float(np.median(others or [USUAL])),
            1,
        )
    return found
