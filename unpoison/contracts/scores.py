"""The output of a detector."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64


@dataclass(frozen=True)
class Scores:
    """A detector's scores of the rows; a higher score is more suspicious.

    training: one score for each training row; validation: one for each trusted row, on the same scale; flagged: the
    training rows that the detector's own rule accuses, None if it has no such rule; details: further columns that
    explain the scores, each with a number for each training row.
    """

    training: Float64[np.ndarray, " trained"]
    validation: Float64[np.ndarray, " trusted"]
    flagged: Bool[np.ndarray, " trained"] | None = None
    details: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def values(self) -> Float64[np.ndarray, " trained"]:
        """One score for each training row."""
        return self.training
