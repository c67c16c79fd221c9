"""A deletion set: the input of an unlearning method, with what it turned out to hold."""

from dataclasses import dataclass

import numpy as np

from unpoison.types import Indices


@dataclass(frozen=True)
class Deletion:
    """The rows handed to an unlearning method (positions among the training rows) and what they turned out to be.

    recall, fdr, fpr: as achieved, None where unknown; detector_auroc, detector_average_precision: of the scores that
    the set is cut from, None where it comes from no detector.
    """

    rows: Indices
    recall: float | None
    fdr: float | None
    fpr: float | None
    detector_auroc: float | None = None
    detector_average_precision: float | None = None


NO_DELETION = Deletion(rows=np.array([], dtype=np.int64), recall=None, fdr=None, fpr=None)
