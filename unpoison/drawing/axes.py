"""Labels of the axes that show metrics."""

from textwrap import fill

import pandas as pd

from unpoison.metrics import METRICS
from unpoison.results import CLEAN, judged_by

WIDTH = 18  # letters in a line of an axis label


def metric_labels(summary: pd.DataFrame) -> dict[str, str]:
    """Return the two accuracies of a study that figures show, with their axis labels, broken into short lines.

    They are clean accuracy, and the metric that the attack is judged by.
    """
    return {metric: fill(METRICS[metric].label, WIDTH) for metric in (CLEAN, judged_by(summary)[0])}
