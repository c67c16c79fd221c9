"""Number of image passes with a gradient for each single image, such as for importances of rows."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "images"
HIGHER_IS_BETTER = False
FORMULA = "number of images whose own gradient is computed; a part of image_passes"
SOURCE = "ours: a cost that does not depend on the machine"
LABEL = "per-sample gradients"
NEEDS = ("cost",)


def measure(judged: Judged) -> Values:
    """Return the number of images whose own gradient was computed."""
    assert judged.cost is not None, "NEEDS leaves a model of unknown cost out"
    return {None: float(judged.cost.gradient_passes)}
