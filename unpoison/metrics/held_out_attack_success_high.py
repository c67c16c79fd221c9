"""The upper end of the 95 % interval of `held_out_attack_success`."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "share"
HIGHER_IS_BETTER = False
FORMULA = "97.5 % quantile of the estimate"
SOURCE = "ours: needs no true class and no trigger; see unpoison.verification"
LABEL = "attack success by the held-out check, upper end"
NEEDS = ("verification",)


def measure(judged: Judged) -> Values:
    """Return the upper end of the interval of the held-out check."""
    check = judged.verification
    assert check is not None, "NEEDS leaves a model without the check out"
    return {None: check.high}
