"""A deletion set: the rows for an unlearning method, with their error rates."""

from dataclasses import dataclass

import numpy as np

from unpoison.types import Indices


@dataclass(frozen=True)
class Deletion:
    """The rows that an unlearning method is given, with their error rates.

    rows: positions among the training rows; recall, fdr, fpr: as achieved, None if unknown; detector_auroc,
    detector_average_precision: of the scores that the set is cut from, None without a detector.
    """

    rows: Indices
    recall: float | None
    fdr: float | None
    fpr: float | None
    detector_auroc: float | None = None
    detector_average_precision: float | None = None


NO_DELETION = Deletion(rows=np.array([], dtype=np.int64), recall=None, fdr=None, fpr=None)
