"""Area under the ROC curve of the deletion set's detector: the share of pairs of a poisoned and a clean training row in
which the poisoned row scores higher.
"""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "share"
HIGHER_IS_BETTER = True
FORMULA = (
    "(pairs of a poisoned and a clean training row with the poisoned one higher + 0.5 * equal pairs) / "
    "all pairs"
)
SOURCE = "Hanley and McNeil 1982 (Radiology 143): area under the ROC curve"
LABEL = "AUROC of the detector"
NEEDS = ("detector",)


def measure(judged: Judged) -> Values:
    """Return the area under the ROC curve of the detector that the deletion set comes from."""
    value = judged.deletion.detector_auroc
    return {} if value is None else {None: value}
