"""Adversarial accuracy under attack {attack} of several simultaneous attacks, numbered in the order of their names."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values, accuracy
from unpoison.rows import TEST_SPLITS

UNIT = "share"
HIGHER_IS_BETTER = True
FORMULA = "mean[f(t(x)) = y] over the test rows whose class has attack {attack}, t being its stamp"
SOURCE = (
    "Goel et al. 2024 (arXiv 2402.14015): adversarial test accuracy; several attacks as in Li et al. "
    "2024 (arXiv 2401.15295)"
)
LABEL = "adversarial test accuracy of attack {attack}"
NEEDS = ("adversarial_test",)
EACH = {"attack": (1, 2, 3, 4)}


def measure(judged: Judged, *, attack: int) -> Values:
    """Return the accuracy on one attack's images; empty if there is only one attack."""
    tested = judged.adversarial_test
    if (tested.rows.split == TEST_SPLITS[0]).all():
        return {}
    return accuracy(tested.take(tested.rows.split == TEST_SPLITS[attack - 1]))
