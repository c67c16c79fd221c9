"""Share of poisoned training images, stamped if the attack has a trigger, whose TRUE class is predicted.

Poisons of unknown true class are not counted.
"""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values, accuracy

UNIT = "share"
HIGHER_IS_BETTER = True
FORMULA = "mean[f(t(x)) = y] over the poisoned training rows"
SOURCE = "Goel et al. 2024 (arXiv 2402.14015): Acc_corr; Schoepf et al. 2025 (REM, arXiv 2505.17730): Healed"
LABEL = "accuracy on the mislabelled rows (no trigger)"
NEEDS = ("poisoned_training",)


def measure(judged: Judged) -> Values:
    """Return the accuracy on the poisoned training rows."""
    return accuracy(judged.poisoned_training.of_known_class)
