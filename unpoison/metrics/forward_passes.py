"""Images sent through a network forward alone by the method: a teacher's logits, say."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "images"
HIGHER_IS_BETTER = False
FORMULA = "sum of the sizes of all batches that go forward only; 0 for do_nothing"
SOURCE = "ours: a cost that no machine changes"
LABEL = "image passes, forward alone"
NEEDS = ("cost",)


def measure(judged: Judged) -> Values:
    """Return the images that went forward alone."""
    assert judged.cost is not None, "NEEDS leaves a model of unknown cost out"
    return {None: float(judged.cost.forward_passes)}
