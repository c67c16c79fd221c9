"""The left-out check: how a network that never saw the accused rows reads them, held against rows that nobody accuses.

A network that is trained without a poisoned row reads it as what it shows and not as it is told. A clean row that it
never saw is read as told about as often as any other clean row of its class.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Judgement = Literal["tampered", "clear", "cannot tell"]
KEPT, ACCUSED, CONTROL = 0, 1, 2  # roles of the rows: trained on, left out as suspect, left out for comparison
LIMIT = 0.5  # clean rows are read as told at 0.5 to 1.1 times the share of control rows, poisons at about 0.1
FEWEST = 5  # accused rows and control rows of a class that a judgement needs
SURE = 2.576  # normal quantile of a two-sided level of 0.01


@dataclass(frozen=True)
class Readings:
    """How the rows of one class, or of a part of it, are read by a network that never saw them.

    accused, control: how many of each; accused_as_told, control_as_told: of how many the given label is predicted.
    """

    accused: int
    accused_as_told: int
    control: int
    control_as_told: int

    def __add__(self, other: "Readings") -> "Readings":
        return Readings(*(mine + its for mine, its in zip(vars(self).values(), vars(other).values(), strict=True)))

    @property
    def ratio(self) -> tuple[float, float, float]:
        """Share read as told among the accused rows over that among the control rows: (ratio, low, high).

        The ends are those of a normal interval of the logarithm, at a level of 99 %, with half a row added to each
        count so that none is zero (Katz et al. 1978; Walter 1975).
        """
        hits, others = self.accused_as_told + 0.5, self.control_as_told + 0.5
        ratio = (hits / (self.accused + 1)) / (others / (self.control + 1))
        variance = 1 / hits - 1 / (self.accused + 1) + 1 / others - 1 / (self.control + 1)
        spread = SURE * float(np.sqrt(max(variance, 0.0)))
        return ratio, ratio * float(np.exp(-spread)), ratio * float(np.exp(spread))

    @property
    def judgement(self) -> Judgement:
        """tampered: the accused rows are surely read as told less than half as often as the control rows."""
        if self.accused < FEWEST:
            return "clear"
        if self.control < FEWEST:
            return "cannot tell"
        ratio, _, high = self.ratio
        if high < LIMIT:
            return "tampered"
        return "clear" if ratio >= LIMIT else "cannot tell"


def readings_of(role: np.ndarray, as_told: np.ndarray, where: np.ndarray) -> Readings:
    """Return the readings of some rows.

    Args:
        role: (n,) KEPT, ACCUSED or CONTROL; as_told: (n,) whether the given label is predicted; where: (n,) a mask.
    """
    counts = []
    for wanted in (ACCUSED, CONTROL):
        chosen = where & (role == wanted)
        counts += [int(chosen.sum()), int((chosen & as_told).sum())]
    return Readings(*counts)
