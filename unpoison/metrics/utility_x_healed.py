"""The product of clean_accuracy and corrected_accuracy.

It is low for a broken model and for an unrepaired one.
"""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values, accuracy

UNIT = "share"
HIGHER_IS_BETTER = True
FORMULA = "clean_accuracy * corrected_accuracy"
SOURCE = "Schoepf et al. 2025 (REM, arXiv 2505.17730): Utility x Healed"
LABEL = "clean accuracy times corrected accuracy"
NEEDS = ("clean_test", "poisoned_training")


def measure(judged: Judged) -> Values:
    """Return the product over all classes together."""
    utility = accuracy(judged.clean_test)
    healed = accuracy(judged.poisoned_training.of_known_class)
    return {None: utility[None] * healed[None]} if healed else {}
