"""Cost of the method in forward passes of one image: all its passes, each kind weighted by its time."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "images"
HIGHER_IS_BETTER = False
FORMULA = (
    "forward passes + 3 x image passes; in place of 3: 10 for a per-sample gradient, 12 for a product with second "
    "derivatives"
)
SOURCE = "ours: the weights are measured by benchmarks/passes.py and defined in unpoison/costs.py"
LABEL = "weighted image passes"
NEEDS = ("cost",)


def measure(judged: Judged) -> Values:
    """Return the passes in units of one forward pass."""
    assert judged.cost is not None, "NEEDS leaves a model of unknown cost out"
    return {None: judged.cost.weighted_passes}
