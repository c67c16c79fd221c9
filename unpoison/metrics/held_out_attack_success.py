"""The attack success rate as the held-out check estimates it, without ground truth: from flagged rows that the repair
was not shown.

Left out where the deletion set seems to hold fewer than five poisons.
"""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "share"
HIGHER_IS_BETTER = False
FORMULA = "estimate of attack_success_rate from f(x) = given label of x over held-out flagged rows, less false alarms"
SOURCE = "ours: needs no true class and no trigger; see unpoison.verification"
LABEL = "attack success by the held-out check"
NEEDS = ("verification",)


def measure(judged: Judged) -> Values:
    """Return the estimate of the held-out check."""
    check = judged.verification
    assert check is not None, "a metric is measured where its needs are met"
    return {} if check.attack_success is None else {None: check.attack_success}
