"""Images sent through a network by the method, each kind of pass weighted by its time, in passes forward."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "images"
HIGHER_IS_BETTER = False
FORMULA = (
    "forward passes + 3 x image passes; in place of 3: 10 for a per-sample gradient, 12 for a product with second "
    "derivatives"
)
SOURCE = "ours: the weights are measured by benchmarks/passes.py, and stand in unpoison/costs.py"
LABEL = "weighted image passes"
NEEDS = ("cost",)


def measure(judged: Judged) -> Values:
    """Return the passes in units of a pass forward."""
    assert judged.cost is not None, "NEEDS leaves a model of unknown cost out"
    return {None: judged.cost.weighted_passes}
