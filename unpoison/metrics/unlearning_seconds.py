"""Wall-clock seconds of the method (for a reference model, of its training). Other jobs of the run may share the
machine meanwhile.
"""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "seconds"
HIGHER_IS_BETTER = False
FORMULA = "wall clock at the method's end minus that at its start; 0 for do_nothing"
SOURCE = "ours; wall-clock, not CPU seconds. `make bench-methods` measures them on an idle machine"
LABEL = "seconds of unlearning"
NEEDS = ("cost",)


def measure(judged: Judged) -> Values:
    """Return the seconds."""
    assert judged.cost is not None, "NEEDS leaves a model of unknown cost out"
    return {None: float(judged.cost.seconds)}
