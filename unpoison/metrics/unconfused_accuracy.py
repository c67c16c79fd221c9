"""Share of untouched test images whose true class is predicted, in the classes that an attack without a trigger does
not confuse. Measured for such attacks only.
"""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values, accuracy, is_confused

UNIT = "share"
HIGHER_IS_BETTER = True
FORMULA = "mean[f(x) = y] over the test rows of the other classes"
SOURCE = "Goel et al. 2024 (arXiv 2402.14015): interclass confusion, test accuracy of the other classes"
LABEL = "accuracy on the other classes"
NEEDS = ("clean_test",)


def measure(judged: Judged) -> Values:
    """Return the accuracy on all classes that are not confused; empty without such an attack."""
    confused = is_confused(judged)
    return accuracy(judged.clean_test.take(~confused)) if confused.any() else {}
