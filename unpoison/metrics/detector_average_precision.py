"""Average precision of the deletion set's detector over all thresholds. A random detector has the share of poisons."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "share"
HIGHER_IS_BETTER = True
FORMULA = "sum over thresholds, the highest first, of (recall - recall before) * precision"
SOURCE = "Zhu 2004 (Recall, precision and average precision, University of Waterloo); no interpolation"
LABEL = "average precision of the detector"
NEEDS = ("detector",)


def measure(judged: Judged) -> Values:
    """Return the average precision of the detector that the deletion set comes from."""
    value = judged.deletion.detector_average_precision
    return {} if value is None else {None: value}
