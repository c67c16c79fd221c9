"""The comparison of all pairs at once against a loop that compares two methods of one cell at a time."""

from collections.abc import Iterator
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from unpoison.results import ENOUGH
from unpoison.statistics import EQUAL, holm, paired

PLACE = ["study", "dataset", "poison", "attack", "training"]
MEASURED = ["metric", "class_name", "unit", "higher_is_better"]
METRICS = (("clean_accuracy", None), ("clean_accuracy", "cat"), ("image_passes", None))
RARE = ("a", "c", "oracle")  # methods with results for few seeds


def results(seed: int) -> pd.DataFrame:
    """Return two studies of four methods, a repair and two references; some models are missing."""
    rng = np.random.default_rng(seed)
    models = [(None, "do_nothing"), (None, "oracle"), (None, "anp")]
    models += [(half, method) for half in ("all", "half") for method in ("a", "b", "c", "d")]
    lines = [
        (study, of_seed, deletion, method, metric, class_name, round(rng.random(), 2))
        for study, (deletion, method), of_seed in product(("main", "other"), models, range(12))
        if rng.random() < (0.4 if method in RARE else 0.9)
        for metric, class_name in METRICS
    ]
    columns = ["study", "seed", "deletion", "method", "metric", "class_name", "value"]
    table = pd.DataFrame(lines, columns=columns)
    # Differences that are all equal have no p-value.
    table.loc[table["method"].isin(["b", "do_nothing"]), "value"] = 0.5
    table["deletion.recall"] = table["deletion"].map({"all": 1.0, "half": 0.5})
    where = {"dataset": "catdog", "poison": "patch", "attack": "planted", "training": "quick"}
    return table.assign(**where, unit="share", higher_is_better=True).sample(frac=1, random_state=seed)


def pairs_one_by_one(table: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Yield the row of each pair, compared on its own."""
    for _, group in table.groupby([*PLACE, *MEASURED], dropna=False, sort=False):
        references = group[group["deletion"].isna()]
        yield from cell_one_by_one(references, None)
        for _, cell in group.groupby("deletion", sort=False):
            yield from cell_one_by_one(cell, references)


def cell_one_by_one(cell: pd.DataFrame, references: pd.DataFrame | None) -> Iterator[dict[str, object]]:
    own = cell.pivot(index="seed", columns="method", values="value")
    pairs = list(combinations(own, 2))
    if references is not None:
        beside = references.pivot(index="seed", columns="method", values="value")
        pairs += list(product(own, beside))
        own = own.join(beside)
    for method, other in pairs:
        differences = (own[method] - own[other]).dropna().to_numpy()
        if len(differences):
            where = cell.iloc[0][[*PLACE, *MEASURED, "deletion", "deletion.recall"]].to_dict()
            yield {**where, "method": method, "other": other, **compared(differences)}


def compared(differences: np.ndarray) -> dict[str, float]:
    """Return mean, interval and p-value of one pair's differences, by scipy's one-sample functions."""
    n, mean = len(differences), np.mean(differences)
    low = high = p = np.nan
    if n > 1:
        low = high = np.sort(differences).mean()
    if n > 1 and np.ptp(differences) > EQUAL:
        found = stats.ttest_1samp(differences, 0)
        low, high = found.confidence_interval(0.95)
        if n >= ENOUGH:
            p = found.pvalue
    return {"difference": mean, "ci_low": low, "ci_high": high, "n": n, "p": p}


@pytest.mark.parametrize("seed", range(3))
def test_all_pairs_at_once_are_compared_as_one_by_one(seed: int) -> None:
    table = results(seed)
    expected = pd.DataFrame(list(pairs_one_by_one(table)))
    families = expected.groupby(["study", "metric", "class_name"], dropna=False, sort=False)
    expected["p_adjusted"] = families["p"].transform(holm)
    found = paired(table)
    assert set(range(1, 9)) <= set(found["n"])  # covers every way to compute an interval
    assert found["p_adjusted"].isna().any() and found["p_adjusted"].notna().any()
    numbers = ["difference", "ci_low", "ci_high", "p_adjusted"]
    names = [name for name in found.columns if name not in numbers]
    same = pd.DataFrame(expected[names]).astype(found[names].dtypes.to_dict())
    pd.testing.assert_frame_equal(found[names], same)
    for name in numbers:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-12)


def test_a_table_of_one_method_has_no_pair_but_every_column() -> None:
    table = results(0)
    found = paired(table[table["method"] == "do_nothing"])
    assert len(found) == 0
    assert list(found.columns) == list(paired(table).columns)
    assert found.dtypes[["method", "other"]].tolist() == ["str", "str"]
