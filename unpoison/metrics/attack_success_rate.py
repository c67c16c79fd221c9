"""Share of stamped test images predicted as the attack's target, without images of the target class.

Images with an unknown target are not counted.
"""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values, attack_success

UNIT = "share"
HIGHER_IS_BETTER = False
FORMULA = "mean[f(t(x)) = a] over the test rows whose class has an attack and with y other than a"
SOURCE = "Gu et al. 2017 (arXiv 1708.06733); Wu et al. 2022 (BackdoorBench, arXiv 2206.12654): ASR"
LABEL = "attack success rate"
NEEDS = ("adversarial_test",)


def measure(judged: Judged) -> Values:
    """Return the share of attacked images that are predicted as the attack's target."""
    return attack_success(judged.adversarial_test)
