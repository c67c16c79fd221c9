"""Share of untouched test images whose true class is predicted."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values, accuracy

UNIT = "share"
HIGHER_IS_BETTER = True
FORMULA = "mean[f(x) = y] over the test rows"
SOURCE = "Gu et al. 2017 (arXiv 1708.06733); Schoepf et al. 2025 (REM, arXiv 2505.17730): Utility"
LABEL = "clean test accuracy"
NEEDS = ("clean_test",)


def measure(judged: Judged) -> Values:
    """Return the accuracy on the clean test."""
    return accuracy(judged.clean_test)
