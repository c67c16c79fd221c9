"""Wall seconds of the method alone (of a reference's training), while other jobs of the run may share the machine."""

from unpoison.contracts.judged import Judged
from unpoison.metrics._shares import Values

UNIT = "seconds"
HIGHER_IS_BETTER = False
FORMULA = "wall clock at the method's end less that at its start; 0 for do_nothing"
SOURCE = "ours; wall and not CPU seconds. `make bench-methods` takes them on an idle machine"
LABEL = "seconds of unlearning"
NEEDS = ("cost",)


def measure(judged: Judged) -> Values:
    """Return the seconds."""
    assert judged.cost is not None, "NEEDS leaves a model of unknown cost out"
    return {None: float(judged.cost.seconds)}
