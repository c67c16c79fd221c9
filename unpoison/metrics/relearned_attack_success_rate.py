"""Attack success rate after a few further training steps on the retained rows; it is high if a backdoor returns."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values, attack_success

UNIT = "share"
HIGHER_IS_BETTER = False
FORMULA = "attack_success_rate of the model after the probe relearning"
SOURCE = "Min et al. 2024 (arXiv 2410.09838): post-purification robustness; there trained on rows known to be poisoned"
LABEL = "attack success rate after relearning"
NEEDS = ("adversarial_test",)
PROBE = "relearning"


def measure(judged: Judged) -> Values:
    """Return the share of attacked images that the model after the probe predicts as the attack's target."""
    return attack_success(judged.after(PROBE).adversarial_test)
