"""Share of the weights and running statistics that the method changed; 0 means that it did nothing."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "share"
HIGHER_IS_BETTER = None
FORMULA = "numbers that differ from the poisoned network's / numbers; 0 for do_nothing"
SOURCE = "ours: it distinguishes a method that did nothing from one that failed"
LABEL = "weights changed"
NEEDS = ("weights_changed",)


def measure(judged: Judged) -> Values:
    """Return the share of changed numbers."""
    assert judged.cost is not None, "NEEDS leaves a model of unknown cost out"
    assert judged.cost.weights_changed is not None, "NEEDS leaves a model that was not repaired out"
    return {None: judged.cost.weights_changed}
