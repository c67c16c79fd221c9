"""Share of clean training images outside the deletion set, not augmented, whose true class is predicted."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values, accuracy

UNIT = "share"
HIGHER_IS_BETTER = True
FORMULA = "mean[f(x) = y] over the clean training rows outside the deletion set"
SOURCE = "Goel et al. 2024 (arXiv 2402.14015): Acc_retain; there of the unaffected domain"
LABEL = "accuracy on the retained clean rows"
NEEDS = ("training", "truth")


def measure(judged: Judged) -> Values:
    """Return the accuracy on the retained clean training rows."""
    is_poisoned = judged.training.rows.poisoned("retained_accuracy")
    return accuracy(judged.training.take(judged.is_retained & ~is_poisoned))
