"""Number of image passes that compute products with second derivatives, such as Hessian-vector products."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "images"
HIGHER_IS_BETTER = False
FORMULA = "sum of the sizes of all batches in such products; a part of image_passes"
SOURCE = "ours: a cost that does not depend on the machine"
LABEL = "passes for second derivatives"
NEEDS = ("cost",)


def measure(judged: Judged) -> Values:
    """Return the number of images in products with second derivatives."""
    assert judged.cost is not None, "NEEDS leaves a model of unknown cost out"
    return {None: float(judged.cost.curvature_passes)}
