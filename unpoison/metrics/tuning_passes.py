"""Weighted passes of the search for the method's options, divided by the number of deletion sets that it serves."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "images"
HIGHER_IS_BETTER = False
FORMULA = (
    "weighted passes of all trials / number of deletion sets of the config (one for each seed) that are repaired "
    "with the chosen options; 0 if only the defaults may be tried"
)
SOURCE = "ours: an addition to weighted_passes, which does not include the search"
LABEL = "weighted image passes of tuning"
NEEDS = ("tuning_passes",)


def measure(judged: Judged) -> Values:
    """Return this model's share of the search."""
    assert judged.cost is not None, "NEEDS leaves a model of unknown cost out"
    assert judged.cost.tuning_passes is not None, "NEEDS leaves a method without a tuning out"
    return {None: judged.cost.tuning_passes}
