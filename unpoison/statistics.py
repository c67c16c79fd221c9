"""Means, paired differences and tests over seeds; an interval or a test is missing if the seeds are too few."""

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations, product

import numpy as np
import pandas as pd
from scipy import stats

from unpoison.columns import RATES
from unpoison.levels import IDENTITY
from unpoison.results import ENOUGH

CONFIDENCE = 0.95
UTILITY_HEALED = {
    "clean_accuracy": "utility",
    "corrected_accuracy": "healed",
    "utility_x_healed": "utility_x_healed",
}
EQUAL = 1e-12  # smaller differences are rounding errors


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the mean by Student's t; (nan, nan) for a single value."""
    return intervals([values])[0]


def intervals(samples: Sequence[Sequence[float] | np.ndarray]) -> list[tuple[float, float]]:
    """Return the interval of each sample."""
    found = [(float("nan"), float("nan"))] * len(samples)
    for places, rows in _of_equal_length(samples):
        if rows.shape[1] < 2:
            continue
        ordered = np.sort(rows, axis=1)  # the interval does not depend on the order of the seeds
        mean = ordered.mean(axis=1)
        half = stats.sem(ordered, axis=1) * stats.t.ppf((1 + CONFIDENCE) / 2, rows.shape[1] - 1)
        half = np.where(np.ptp(rows, axis=1) > EQUAL, half, 0.0)
        for place, low, high in zip(places, (mean - half).tolist(), (mean + half).tolist(), strict=True):
            found[place] = low, high
    return found


def _of_equal_length(
    samples: Sequence[Sequence[float] | np.ndarray],
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Yield, for each length that occurs, the places of its samples and the samples as the rows of one array."""
    lengths = np.array([len(sample) for sample in samples])
    for length in np.unique(lengths).tolist():
        places = np.flatnonzero(lengths == length).tolist()
        yield places, np.array([samples[place] for place in places], float)


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Return mean, sd, n and 95 % interval over seeds for each cell and metric, with the cell's achieved rates.

    `did_nothing` counts the seeds in which the cell's method changed no weight.
    """
    cell = [*(name for name in IDENTITY if name != "seed"), "attack", "detector", *varied_keys(results)]
    measured = ["metric", "class_name", "unit", "higher_is_better"]
    groups = results.groupby([*cell, *measured], dropna=False, sort=False)
    summary = groups["value"].agg(mean="mean", sd="std", n="count").reset_index()
    ends = intervals([values.tolist() for _, values in groups["value"]])
    summary["ci_low"], summary["ci_high"] = zip(*ends, strict=True)
    for of_cell in (_rates(results, cell), _unchanged(results, cell)):
        summary = summary.merge(of_cell, on=cell, how="left", validate="many_to_one")
    return summary


def _unchanged(results: pd.DataFrame, cell: list[str]) -> pd.DataFrame:
    """Return each cell's number of seeds in which the method changed no weight; no row if that was not counted."""
    counted = results[results["metric"] == "weights_changed"]
    groups = counted.assign(did_nothing=counted["value"] == 0).groupby(cell, dropna=False, sort=False)
    return groups["did_nothing"].sum().astype("Int64").reset_index()


def _rates(results: pd.DataFrame, cell: list[str]) -> pd.DataFrame:
    """Return the achieved rates of each cell, which may differ from seed to seed: means and intervals."""
    groups = results.drop_duplicates([*cell, "seed"]).groupby(cell, dropna=False, sort=False)
    rates = groups[list(RATES)].mean().reset_index()
    for rate in RATES:
        ends = intervals([values.dropna().tolist() for _, values in groups[rate]])
        rates[f"{rate}_low"], rates[f"{rate}_high"] = zip(*ends, strict=True)
    return rates


def varied_keys(results: pd.DataFrame) -> list[str]:
    """Return the columns of the keys that studies vary: those with a dot in their names."""
    return [name for name in results.columns if "." in name]


def utility_healed(results: pd.DataFrame, averaged: Collection[str]) -> pd.DataFrame:
    """Return Utility, Healed and their product over a study's recalls: the mean of each seed, then mean and interval.

    The mean over discovery rates follows REM (Schoepf et al. 2025); the product is computed at each recall, before the
    mean. Other keys that a study varies (such as deletion.fpr) are not averaged. A model without a deletion set is the
    same at every recall. `recalls` counts the averaged values. A seed that lacks one of them, in an unfinished run, is
    left out.

    Args:
        results: the results table.
        averaged: the studies to average: those of one deletion set that vary `deletion.recall` and whose poisons are
            planted.
    """
    chosen = results[results["study"].isin(averaged) & results["metric"].isin(UTILITY_HEALED)]
    chosen = chosen[chosen["class_name"].isna()]
    varied = [name for name in results.columns if "." in name and name != "deletion.recall"]
    place = ["study", "dataset", "poison", "attack", "training", *varied]
    model = [*place, "method", "metric"]
    recalls = chosen.groupby([*place, chosen["deletion.recall"].isna()], dropna=False)["deletion.recall"]
    chosen = chosen.assign(recalls=recalls.transform(lambda found: found.nunique(dropna=False)))
    of_seed = chosen.groupby([*model, "seed", "recalls"], dropna=False, sort=False)["value"].agg(
        ["mean", "size"]
    )
    of_seed = of_seed.reset_index().query("size == recalls")
    groups = of_seed.groupby(model, dropna=False, sort=False)
    table = groups.agg(
        recalls=("size", "max"), mean=("mean", "mean"), sd=("mean", "std"), n=("seed", "count")
    )
    ends = intervals([values.tolist() for _, values in groups["mean"]])
    table["ci_low"], table["ci_high"] = zip(*ends, strict=True)
    return table.reset_index().replace({"metric": UTILITY_HEALED})


def paired(results: pd.DataFrame) -> pd.DataFrame:
    """Return for each two methods of a cell the paired differences of each metric: mean, interval, adjusted p.

    A cell is a study's data set, poison, training and deletion set. Models without a deletion set (`do_nothing`,
    `oracle` and repairs by trusted rows) are paired with the methods of each deletion set, and once with each other.
    `difference` is `method` minus `other`. `p_adjusted` is that of the paired t-test, corrected by Holm (1979) for all
    pairs and cells of a study's metric and class; it is null for fewer than five seeds, and if all differences are
    equal.
    """
    # A varied option of a method is part of its name; the two methods of a pair may differ in it.
    varied = [name for name in varied_keys(results) if not name.startswith("method.")]
    where = ["study", "dataset", "poison", "attack", "training"]
    where += ["metric", "class_name", "unit", "higher_is_better"]
    cell = [*where, "deletion"]
    keys = results.assign(
        group=results.groupby(where, dropna=False, sort=False).ngroup(),
        cell=results.groupby(cell, dropna=False, sort=False).ngroup(),
        is_repaired=results["deletion"].notna(),
    )
    pairs, differences = _pairs(keys)
    places = keys.drop_duplicates("cell").set_index("cell")
    table = places.loc[pairs["cell"], [*cell, *varied]].reset_index(drop=True)
    table["method"], table["other"] = pairs["method"], pairs["other"]
    table["difference"] = _means(differences)
    ends = intervals(differences)
    table["ci_low"], table["ci_high"] = ([pair[side] for pair in ends] for side in (0, 1))
    table["n"] = np.array([len(values) for values in differences], np.int64)
    table["p"] = p_values(differences)
    family = table.groupby(["study", "metric", "class_name"], dropna=False, sort=False).ngroup()
    table["p_adjusted"] = table.groupby(family)["p"].transform(holm).astype("float64")
    return table.drop(columns="p").astype({"class_name": "string", "deletion": "string"})


def _pairs(keys: pd.DataFrame) -> tuple[pd.DataFrame, list[np.ndarray]]:
    """Return all pairs of two methods of a cell, or of a method and a reference, with their differences.

    The table has the columns cell, method and other, with references first in each group of cells. The differences of
    each row are in the order of the seeds that both methods have.
    """
    place = ["group", "cell", "seed"]
    own, references = (
        keys[keys["is_repaired"] == chosen].pivot(index=place, columns="method", values="value")
        for chosen in (True, False)
    )
    by_seed = references.reset_index("cell", drop=True)
    beside = by_seed.reindex(own.reset_index("cell", drop=True).index).set_axis(own.index)
    chosen = [
        *((references, references, pair) for pair in combinations(references, 2)),
        *((own, own, pair) for pair in combinations(own, 2)),
        *((own, beside, pair) for pair in product(own, beside)),
    ]
    columns = ["group", "is_repaired", "cell", "rank", "method", "other", "value"]
    found = [keys.assign(rank=0, other=keys["method"])[columns].iloc[:0]]  # a table of one method has no pair
    for rank, (left, right, (method, other)) in enumerate(chosen):
        values = left[method].to_numpy() - right[other].to_numpy()
        known = np.flatnonzero(~np.isnan(values))
        lines = left.index[known].to_frame(index=False).assign(is_repaired=left is own, rank=rank)
        lines = lines.assign(method=str(method), other=str(other), value=values[known])
        found.append(lines[columns])
    lines = pd.concat(found).sort_values(columns[:4], kind="stable")
    starts = np.flatnonzero(~lines.duplicated(["cell", "rank"]))
    pairs = lines.iloc[starts][["cell", "method", "other"]].reset_index(drop=True)
    return pairs, np.split(lines["value"].to_numpy(), starts[1:])[: len(pairs)]


def _means(samples: list[np.ndarray]) -> np.ndarray:
    """Return the mean of each sample; no sample is empty."""
    found = np.empty(len(samples))
    for places, rows in _of_equal_length(samples):
        found[places] = rows.mean(axis=1)
    return found


def p_value(differences: Sequence[float]) -> float:
    """Return the p value of the two-sided t-test of a zero mean; nan for too few or equal differences."""
    return p_values([differences])[0]


def p_values(samples: Sequence[Sequence[float] | np.ndarray]) -> list[float]:
    """Return the p value of each sample; samples of the same length are tested together."""
    found = [float("nan")] * len(samples)
    for places, rows in _of_equal_length(samples):
        if rows.shape[1] < ENOUGH:
            continue
        tested = np.full(len(rows), np.nan)
        differ = np.ptp(rows, axis=1) >= EQUAL
        tested[differ] = stats.ttest_1samp(rows[differ], 0, axis=1).pvalue
        for place, p in zip(places, tested.tolist(), strict=True):
            found[place] = p
    return found


def holm(p_values: pd.Series) -> pd.Series:
    """Return p values corrected for their number by Holm's step-down method (1979); nan stays and is not counted."""
    known = p_values.dropna().sort_values()
    factors = np.arange(len(known), 0, -1)
    return (known * factors).cummax().clip(upper=1).reindex(p_values.index)
