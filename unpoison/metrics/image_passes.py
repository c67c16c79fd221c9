"""Number of images that the method sends through a network forward and backward."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "images"
HIGHER_IS_BETTER = False
FORMULA = "sum of the sizes of all batches that go forward and backward; 0 for do_nothing"
SOURCE = "ours: a cost that does not depend on the machine"
LABEL = "image passes, forward and backward"
NEEDS = ("cost",)


def measure(judged: Judged) -> Values:
    """Return the number of images that went forward and backward."""
    assert judged.cost is not None, "NEEDS leaves a model of unknown cost out"
    return {None: float(judged.cost.image_passes)}
