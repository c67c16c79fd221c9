"""Share of test images, stamped with the trigger of their class's attack, whose TRUE class is predicted. With several
attacks, each image counts once for each attack on its class.
"""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values, accuracy

UNIT = "share"
HIGHER_IS_BETTER = True
FORMULA = "mean[f(t(x)) = y] over the test rows whose class has an attack"
SOURCE = (
    "Goel et al. 2024 (arXiv 2402.14015): adversarial test accuracy; Wu et al. 2022 (BackdoorBench, "
    "arXiv 2206.12654): robust accuracy, there without the target class"
)
LABEL = "adversarial test accuracy"
NEEDS = ("adversarial_test",)


def measure(judged: Judged) -> Values:
    """Return the accuracy on the adversarial test."""
    return accuracy(judged.adversarial_test)
