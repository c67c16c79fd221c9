"""The lowest adversarial accuracy over the classes."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values, accuracy, worst_class

UNIT = "share"
HIGHER_IS_BETTER = True
FORMULA = "min over attacked classes of adversarial_accuracy"
SOURCE = "Sagawa et al. 2020 (arXiv 1911.08731): worst-group accuracy, with classes as groups"
LABEL = "lowest adversarial accuracy of a class"
NEEDS = ("adversarial_test",)


def measure(judged: Judged) -> Values:
    """Return the lowest accuracy over the classes on the adversarial test."""
    return worst_class(accuracy(judged.adversarial_test))
