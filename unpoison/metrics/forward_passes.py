"""Number of images that the method sends through a network forward only, such as for a teacher's logits."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "images"
HIGHER_IS_BETTER = False
FORMULA = "sum of the sizes of all batches that go forward only; 0 for do_nothing"
SOURCE = "ours: a cost that does not depend on the machine"
LABEL = "image passes, forward only"
NEEDS = ("cost",)


def measure(judged: Judged) -> Values:
    """Return the number of images that went forward only."""
    assert judged.cost is not None, "NEEDS leaves a model of unknown cost out"
    return {None: float(judged.cost.forward_passes)}
