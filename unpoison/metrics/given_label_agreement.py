"""Share of training images outside the deletion set, stamped as in training but not augmented, whose GIVEN label is
predicted. Classes are given labels.
"""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values, shares

UNIT = "share"
HIGHER_IS_BETTER = None
FORMULA = (
    "mean[f(x) = given label of x] over the training rows outside the deletion set, x with its trigger if any"
)
SOURCE = "ours: needs no true class; a learned wrong label counts as much as a correct one"
LABEL = "agreement with the given labels"
NEEDS = ("training",)


def measure(judged: Judged) -> Values:
    """Return the share of retained training rows whose given label is predicted."""
    retained = judged.as_trained_on.take(judged.is_retained)
    labels = retained.rows.given_label
    return shares(retained.answers.predicted == labels, labels, retained.rows.class_names)
