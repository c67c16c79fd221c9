"""Those of the image passes whose gradients are taken image by image: as importances of single rows are."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "images"
HIGHER_IS_BETTER = False
FORMULA = "number of images whose own gradient is taken; a part of image_passes"
SOURCE = "ours: a cost that no machine changes"
LABEL = "per-sample gradients"
NEEDS = ("cost",)


def measure(judged: Judged) -> Values:
    """Return the images whose own gradient was taken."""
    assert judged.cost is not None, "NEEDS leaves a model of unknown cost out"
    return {None: float(judged.cost.gradient_passes)}
