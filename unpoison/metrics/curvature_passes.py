"""Those of the image passes that multiply by second derivatives: Hessian products, say."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "images"
HIGHER_IS_BETTER = False
FORMULA = "sum of the sizes of all batches in such products; a part of image_passes"
SOURCE = "ours: a cost that no machine changes"
LABEL = "passes for second derivatives"
NEEDS = ("cost",)


def measure(judged: Judged) -> Values:
    """Return the images of products with second derivatives."""
    assert judged.cost is not None, "NEEDS leaves a model of unknown cost out"
    return {None: float(judged.cost.curvature_passes)}
