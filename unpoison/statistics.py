"""Means and intervals over seeds."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from unpoison.results import IDENTITY

CONFIDENCE = 0.95


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean by Student's t; (nan, nan) for a single value."""
    if len(values) < 2:
        return float("nan"), float("nan")
    half = stats.sem(values) * stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)
    mean = float(np.mean(values))
    return mean - half, mean + half


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Mean, sd, n and 95 % interval over seeds for each cell and metric.

    The achieved rates are averaged too: they may differ by a rounding where seeds differ in their counts.
    """
    varied = [name for name in results.columns if "." in name]
    cell = [name for name in IDENTITY if name != "seed"]
    keys = [*cell, "metric", "class_name", "unit", "higher_is_better", *varied]
    groups = results.groupby(keys, dropna=False, sort=False)
    summary = groups["value"].agg(mean="mean", sd="std", n="count").reset_index()
    intervals = [interval(values.tolist()) for _, values in groups["value"]]
    summary["ci_low"], summary["ci_high"] = zip(*intervals, strict=True)
    rates = groups[["recall", "fdr", "fpr"]].mean().reset_index(drop=True)
    return pd.concat([summary, rates], axis=1)
