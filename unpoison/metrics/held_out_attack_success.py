"""Estimate of the attack success rate by the held-out check, without ground truth, from flagged rows that were held out
of the repair.

Left out if the deletion set seems to hold fewer than five poisons.
"""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "share"
HIGHER_IS_BETTER = False
FORMULA = (
    "estimate of attack_success_rate from the share of f(x) = given label of x over held-out flagged rows, corrected "
    "for false alarms"
)
SOURCE = "ours: needs no true class and no trigger; see unpoison.verification"
LABEL = "attack success by the held-out check"
NEEDS = ("verification",)


def measure(judged: Judged) -> Values:
    """Return the estimate of the held-out check."""
    check = judged.verification
    assert check is not None, "NEEDS leaves a model without the check out"
    return {} if check.attack_success is None else {None: check.attack_success}
