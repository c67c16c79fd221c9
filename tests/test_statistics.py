"""Means and intervals over seeds."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from unpoison.results import IDENTITY
from unpoison.statistics import interval, summarise


def test_an_interval_is_the_one_worked_out_by_hand() -> None:
    # Mean 0.8, sd 0.1, t(0.975, 2) = 4.302653: 0.8 -+ 4.302653 x 0.1 / sqrt(3).
    low, high = interval([0.7, 0.8, 0.9])
    assert low == pytest.approx(0.8 - 0.2484138, abs=1e-6)
    assert high == pytest.approx(0.8 + 0.2484138, abs=1e-6)


@given(
    st.lists(st.floats(0, 1, width=32), min_size=2, max_size=8).filter(lambda values: np.ptp(values) > 1e-3)
)
def test_an_interval_is_the_one_that_scipys_test_has(values: list[float]) -> None:
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert interval(values) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("values", [[], [0.8]])
def test_one_value_gives_no_interval(values: list[float]) -> None:
    assert all(math.isnan(end) for end in interval(values))


def test_equal_values_give_an_interval_of_no_width() -> None:
    assert interval([0.5, 0.5, 0.5]) == (0.5, 0.5)


def results(**changes: list[object]) -> pd.DataFrame:
    """Two methods, two seeds, one metric over all classes and for the cats."""
    lines = [
        ("main", "catdog", "patch", "quick", seed, deletion, method, "clean_accuracy", name, value)
        for seed in (0, 1)
        for deletion, method, gain in (("all", "retrain", 0.1), (None, "do_nothing", 0.0))
        for name, value in ((None, 0.6 + 0.2 * seed + gain), ("cat", 0.5))
    ]
    table = pd.DataFrame(lines, columns=[*IDENTITY, "metric", "class_name", "value"])
    table["unit"], table["higher_is_better"] = "share", True
    has_deletion = table["deletion"].notna()
    table["recall"], table["fdr"] = has_deletion.map({True: 1.0}), has_deletion.map({True: 0.5})
    table["fpr"] = (0.1 + 0.02 * table["seed"]).where(has_deletion)
    return table.assign(**changes)


def test_a_summary_has_one_line_for_each_cell_metric_and_class() -> None:
    summary = summarise(results())
    assert len(summary) == 4
    assert "seed" not in summary.columns
    assert summary["n"].tolist() == [2] * 4


def test_a_summary_has_mean_sd_and_interval_over_the_seeds() -> None:
    summary = summarise(results()).set_index("method")
    line = summary[summary["class_name"].isna()].loc["retrain"]
    assert line["mean"] == pytest.approx(0.8)
    assert line["sd"] == pytest.approx(0.2 / math.sqrt(2))
    assert (line["ci_low"], line["ci_high"]) == pytest.approx(interval([0.7, 0.9]))


def test_cells_without_a_deletion_set_stay_in_the_summary() -> None:
    summary = summarise(results())
    nothing = summary[summary["method"] == "do_nothing"]
    assert len(nothing) == 2
    assert nothing[["deletion", "recall", "fdr", "fpr"]].isna().all(axis=None)


def test_the_achieved_rates_are_averaged_over_the_seeds() -> None:
    summary = summarise(results())
    line = summary[summary["method"] == "retrain"].iloc[0]
    assert (line["recall"], line["fdr"]) == (1.0, 0.5)
    assert line["fpr"] == pytest.approx(0.11)


def test_cells_that_differ_in_a_varied_key_alone_are_kept_apart() -> None:
    first, second = results(), results()
    first["deletion.fpr"], second["deletion.fpr"] = 0.2, 0.4
    assert len(summarise(pd.concat([first, second], ignore_index=True))) == 8


def test_a_single_seed_has_a_mean_and_neither_sd_nor_interval() -> None:
    table = results()
    summary = summarise(table[table["seed"] == 0])
    assert summary["mean"].notna().all()
    assert summary[["sd", "ci_low", "ci_high"]].isna().all(axis=None)


def test_intervals_stand_beside_their_own_means() -> None:
    shuffled = results().sample(frac=1, random_state=3).reset_index(drop=True)
    summary = summarise(shuffled)
    assert (summary["mean"] - summary["ci_low"]).to_numpy() == pytest.approx(
        (summary["ci_high"] - summary["mean"]).to_numpy()
    )
    cats = summary[summary["class_name"] == "cat"]
    assert (cats["sd"] == 0).all()
    assert cats["ci_low"].tolist() == pytest.approx([0.5, 0.5])
