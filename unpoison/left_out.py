"""The left-out check: the predictions of a network that never saw the suspected rows, compared with control rows.

A network trained without a poisoned row predicts the class that the image shows, and not the given label. For a clean
row that it never saw, it predicts the given label about as often as for any other clean row of the class. That alone
does not separate poisons from a natural kind of image without an example left to learn from. So a class is judged
tampered only under two more conditions. The suspected rows form a separate group in feature space, and the suspicious
model itself has learned their given labels.
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
LIMIT = 0.5  # of the ratio of the shares predicted as labelled: about 0.1 for poisons, 0.5 and more for clean rows
USUAL = 3.0  # standard deviations between the two parts of one normal distribution that is split
APART = 4.0  # standard deviations between a separate group and its class
BEYOND = (
    1.0  # standard deviations above the median of the other classes, whose groups are natural kinds of image
)
STRIKING = (
    4.75  # standard deviations that need no comparison, since the other classes may be tampered with too
)
LEARNED = 0.8  # share of the group that the suspicious model predicts as labelled
FEWEST = 5  # least number of rows of a group, and of control rows of a class, for a judgement
SURE = 0.995  # probability that a ratio lies below its upper end, and above its lower one
DRAWS = 20_000


@dataclass(frozen=True)
class Readings:
    """Counts of predictions on the suspected rows of one class, in one search or in several together.

    accused, control: numbers of suspected and of control rows; accused_as_labelled, control_as_labelled: those whose
    given label is predicted by a network that never saw them; learned: accused rows whose given label the suspicious
    model predicts; apart: distance of the group from its class, in standard deviations; beyond: that distance minus the
    median of the other classes; both are summed over the `searches`.
    """

    accused: int = 0
    accused_as_labelled: int = 0
    control: int = 0
    control_as_labelled: int = 0
    learned: int = 0
    apart: float = 0.0
    beyond: float = 0.0
    searches: int = 0

    def __add__(self, other: "Readings") -> "Readings":
        pairs = zip(vars(self).values(), vars(other).values(), strict=False)
        return Readings(*(mine + its for mine, its in pairs))

    @cached_property
    def ratio(self) -> tuple[float, float, float]:
        """Return the share predicted as labelled of accused rows, divided by that of control rows: (ratio, low, high).

        The ends are quantiles of the ratio's posterior under Jeffreys priors; the ratio lies beyond each with a
        probability of 0.5 %.
        """
        random = np.random.default_rng(0)
        shares = [
            beta.rvs(told + 0.5, rows - told + 0.5, size=DRAWS, random_state=random)
            for rows, told in (
                (self.accused, self.accused_as_labelled),
                (self.control, self.control_as_labelled),
            )
        ]
        low, high = np.quantile(shares[0] / shares[1], [1 - SURE, SURE])
        ratio = (
            (self.accused_as_labelled + 0.5)
            / (self.accused + 1)
            / ((self.control_as_labelled + 0.5) / (self.control + 1))
        )
        return float(ratio), float(low), float(high)

    @property
    def is_group(self) -> bool:
        """Return whether the accused rows form a separate group whose given labels the suspicious model has learned."""
        if self.accused < FEWEST * max(1, self.searches) or self.learned < LEARNED * self.accused:
            return False
        is_far = self.apart >= APART * self.searches and self.beyond >= BEYOND * self.searches
        return is_far or self.apart >= STRIKING * self.searches

    @property
    def judgement(self) -> Judgement:
        """Return the judgement of the class.

        tampered: a separate group that is predicted as labelled less than half as often as control rows, with high
        probability. cannot tell: a group for which this is uncertain, or that is predicted as labelled, as poisons
        with right labels would be. clear: no separate group.
        """
        if not self.is_group:
            return "clear"
        if self.control < FEWEST:
            return "cannot tell"
        return "tampered" if self.ratio[2] < LIMIT else "cannot tell"


def judgement_of(searches: Sequence[Readings]) -> Judgement:
    """Return the joint judgement of several searches; no single one may contradict `tampered`."""
    together = sum(searches, Readings()).judgement
    if together == "tampered" and any(each.accused >= FEWEST and each.ratio[0] >= LIMIT for each in searches):
        return "cannot tell"
    return together


def readings_of(
    role: np.ndarray, as_labelled: np.ndarray, learned: np.ndarray, apart: np.ndarray, labels: np.ndarray
) -> dict[int, Readings]:
    """Return the readings of each class in one search.

    Args:
        role: (n,) KEPT, ACCUSED or CONTROL; as_labelled, learned: (n,) whether the network of the check and the
            suspicious model predict the given label; apart: (n,) the distance of the group from the row's class;
            labels: (n,) the given labels.
    """
    far = {int(label): float(apart[labels == label][0]) for label in np.unique(labels)}
    found = {}
    for label, distance in far.items():
        accused, control = ((labels == label) & (role == wanted) for wanted in (ACCUSED, CONTROL))
        others = [max(its, USUAL) for other, its in far.items() if other != label]
        found[label] = Readings(
            int(accused.sum()),
            int((accused & as_labelled).sum()),
            int(control.sum()),
            int((control & as_labelled).sum()),
            int((accused & learned).sum()),
            distance,
            distance - float(np.median(others or [USUAL])),
            1,
        )
    return found
