"""Comparison of a repeated study with the published one, by prediction intervals."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from unpoison.levels import LEVELS

COMPARED = ("clean_accuracy", "adversarial_accuracy", "attack_success_rate", "given_label_agreement")
KEYS = ["study", *LEVELS, "metric"]
LEVEL = 0.95
# If the studies agree, one comparison in twenty lies outside its interval. Comparisons of one model are correlated, so
# twice as many are allowed.
MOST_OUTSIDE = 0.1


def compare(published: pd.DataFrame, again: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each cell and metric that both tables hold.

    `low` and `high` are the ends of the 95 % prediction interval of the new mean: the published mean plus or minus
    t x sd x sqrt(1/n + 1/m), with the published standard deviation over n seeds, for m new seeds. A single published
    seed has none. `equal` counts the shared seeds whose values are identical.

    Args:
        published, again: results tables.
    """
    one, two = (_of_all_classes(table) for table in (published, again))
    both = one.merge(two, on=[*KEYS, "seed"], suffixes=("", "_again"))
    equal = (both["value"] == both["value_again"]).groupby([both[key] for key in KEYS], dropna=False).sum()
    means = _means(one).merge(_means(two), left_index=True, right_index=True, suffixes=("", "_again"))
    n, m = means["n"], means["n_again"]
    reach = stats.t.ppf((1 + LEVEL) / 2, np.maximum(n - 1, 1)) * means["sd"] * np.sqrt(1 / n + 1 / m)
    return means.assign(
        low=means["mean"] - reach,
        high=means["mean"] + reach,
        equal=equal.reindex(means.index, fill_value=0),
        is_inside=(means["mean_again"] - means["mean"])
        .abs()
        .le(reach + 1e-12)
        .where(reach.notna())
        .astype("boolean"),
    ).reset_index()


def verdict(compared: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers `means`, `equal` (in all seeds), `compared` (with an interval) and `outside`, and `agrees`.

    If no mean has an interval, all values must be equal.
    """
    known = compared["is_inside"].dropna()
    outside, equal = int((~known).sum()), int((compared["equal"] == compared["n_again"]).sum())
    agrees = outside <= MOST_OUTSIDE * len(known) if len(known) else equal == len(compared)
    told = {"means": len(compared), "equal": equal, "compared": len(known), "outside": outside}
    return {**told, "agrees": agrees}


def _of_all_classes(table: pd.DataFrame) -> pd.DataFrame:
    rows = table[table["class_name"].isna() & table["metric"].isin(COMPARED)]
    return rows[[*KEYS, "seed", "value"]].astype({"deletion": object})


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    grouped = rows.groupby(KEYS, dropna=False, sort=True)["value"]
    return pd.DataFrame({"mean": grouped.mean(), "sd": grouped.std(ddof=1), "n": grouped.size()})
