"""Labels of the axes that show metrics."""

from textwrap import fill

import pandas as pd

from unpoison.metrics import METRICS
from unpoison.results import CLEAN, judged_by

WIDTH = 18  # letters of a line beside an axis


def metric_labels(summary: pd.DataFrame) -> dict[str, str]:
    """Return the accuracies of a study that figures show, and their labels, in lines that fit beside an axis.

    They are the clean one and what the attack is judged by.
    """
    return {metric: fill(METRICS[metric].label, WIDTH) for metric in (CLEAN, judged_by(summary)[0])}
