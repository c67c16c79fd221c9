"""Share of untouched test images whose true class is predicted, in the classes that an attack without a trigger
confuses.
"""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values, accuracy, is_confused

UNIT = "share"
HIGHER_IS_BETTER = True
FORMULA = "mean[f(x) = y] over the test rows of the confused classes"
SOURCE = "Goel et al. 2024 (arXiv 2402.14015): interclass confusion, test accuracy of the two classes"
LABEL = "accuracy on the confused classes (no trigger)"
NEEDS = ("clean_test",)


def measure(judged: Judged) -> Values:
    """Return the accuracy on the confused classes; empty without such an attack."""
    return accuracy(judged.clean_test.take(is_confused(judged)))
