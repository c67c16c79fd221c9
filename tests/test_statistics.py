"""Means and intervals over seeds."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from unpoison.levels import IDENTITY, REFERENCES
from unpoison.results import ENOUGH
from unpoison.statistics import holm, interval, intervals, paired, summarise, utility_healed


def test_an_interval_is_the_one_worked_out_by_hand() -> None:
    # Mean 0.8, sd 0.1, t(0.975, 2) = 4.302653: 0.8 -+ 4.302653 x 0.1 / sqrt(3).
    low, high = interval([0.7, 0.8, 0.9])
    assert low == pytest.approx(0.8 - 0.2484138, abs=1e-6)
    assert high == pytest.approx(0.8 + 0.2484138, abs=1e-6)


@given(
    st.lists(st.floats(0, 1, width=32), min_size=2, max_size=4).filter(lambda values: np.ptp(values) > 1e-3)
)
def test_an_interval_is_the_one_that_scipys_test_has(values: list[float]) -> None:
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert interval(values) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("values", [[], [0.8]])
def test_one_value_gives_no_interval(values: list[float]) -> None:
    assert all(math.isnan(end) for end in interval(values))


@pytest.mark.parametrize("seeds", [2, 3, 5, 12])
def test_equal_values_give_an_interval_of_no_width(seeds: int) -> None:
    assert interval([0.5] * seeds) == (0.5, 0.5)


@pytest.mark.parametrize("seeds", [2, 3, 5, 12])
def test_an_interval_is_students_at_every_number_of_seeds(seeds: int) -> None:
    values = np.random.default_rng(seeds).random(seeds)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert interval(values.tolist()) == pytest.approx(tuple(expected), abs=1e-12)


def test_an_interval_does_not_depend_on_the_samples_beside_it() -> None:
    rng = np.random.default_rng(0)
    samples = [rng.random(length).round(2).tolist() for length in (1, 9, 3, 9, 2, 9, 5, 12)] + [[0.2] * 9]
    together = np.array(intervals(samples))
    assert np.array_equal(together, [interval(sample) for sample in samples], equal_nan=True)


def results(**changes: list[object]) -> pd.DataFrame:
    """Return two methods, two seeds, one metric over all classes and for class cat."""
    lines = [
        ("main", "catdog", "patch", "quick", seed, deletion, method, "clean_accuracy", name, value)
        for seed in (0, 1)
        for deletion, method, gain in (("all", "retrain", 0.1), (None, "do_nothing", 0.0))
        for name, value in ((None, 0.6 + 0.2 * seed + gain), ("cat", 0.5))
    ]
    table = pd.DataFrame(lines, columns=[*IDENTITY, "metric", "class_name", "value"])
    table["unit"], table["higher_is_better"], table["detector"] = "share", True, None
    has_deletion = table["deletion"].notna()
    table["recall"], table["fdr"] = has_deletion.map({True: 1.0}), has_deletion.map({True: 0.5})
    table["fpr"] = (0.1 + 0.02 * table["seed"]).where(has_deletion)
    return table.assign(attack="planted", **changes)


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
    assert (line["recall_low"], line["recall_high"]) == (1.0, 1.0)
    assert (line["fpr_low"], line["fpr_high"]) == pytest.approx(interval([0.1, 0.12]))


def test_a_rate_that_one_seed_has_no_value_of_is_of_the_others() -> None:
    table = results()
    table.loc[table["seed"] == 0, "fdr"] = None  # an empty deletion set has no FDR
    line = summarise(table).set_index("method").loc["retrain"].iloc[0]
    assert line["fdr"] == 0.5
    assert math.isnan(line["fdr_low"])


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


def paired_results(values: dict[str, list[float]], **columns: object) -> pd.DataFrame:
    """Return one metric of one cell: a value for each method and seed."""
    lines = [
        ("main", "catdog", "patch", "quick", seed, None if method in REFERENCES else "all", method, value)
        for method, of_seeds in values.items()
        for seed, value in enumerate(of_seeds)
        if not math.isnan(value)
    ]
    table = pd.DataFrame(lines, columns=[*IDENTITY, "value"])
    return table.assign(
        metric="clean_accuracy",
        class_name=None,
        unit="share",
        higher_is_better=True,
        attack="planted",
        **columns,
    )


def line_of(table: pd.DataFrame, method: str, other: str) -> pd.Series:
    [(_, line)] = table[(table["method"] == method) & (table["other"] == other)].iterrows()
    return line


def test_a_difference_is_taken_seed_by_seed_and_worked_out_by_hand() -> None:
    # Differences 0.1, 0.2, 0.3: mean 0.2, sd 0.1, half width 4.302653 x 0.1 / sqrt(3).
    found = paired(paired_results({"retrain": [0.5, 0.9, 0.7], "finetune": [0.4, 0.7, 0.4]}))
    line = line_of(found, "finetune", "retrain")
    assert line["difference"] == pytest.approx(-0.2)
    assert (line["ci_low"], line["ci_high"]) == pytest.approx((-0.2 - 0.2484138, -0.2 + 0.2484138), abs=1e-6)
    assert line["n"] == 3
    assert math.isnan(line["p_adjusted"])  # three seeds are too few for a test


def test_only_seeds_that_both_methods_have_are_compared() -> None:
    found = paired(paired_results({"retrain": [0.5, math.nan, 0.7], "finetune": [0.4, 0.7, math.nan]}))
    line = line_of(found, "finetune", "retrain")
    assert (line["n"], line["difference"]) == (1, pytest.approx(-0.1))
    assert math.isnan(line["ci_low"])


def test_every_two_methods_are_paired_once_and_references_with_each_deletion_set() -> None:
    cells = [
        paired_results({"retrain": [0.5, 0.6], "finetune": [0.4, 0.7], "do_nothing": [0.1, 0.2], "oracle": [0.8, 0.9]}),
        paired_results({"retrain": [0.3, 0.4], "finetune": [0.2, 0.2]}).assign(deletion="half"),
    ]  # fmt: skip
    found = paired(pd.concat(cells, ignore_index=True))
    pairs = set(zip(found["deletion"].fillna("-"), found["method"], found["other"], strict=True))
    in_a_cell = [("finetune", "retrain")] + [
        (method, reference) for method in ("finetune", "retrain") for reference in ("do_nothing", "oracle")
    ]
    assert pairs == {("-", "do_nothing", "oracle")} | {
        (deletion, *pair) for deletion in ("all", "half") for pair in in_a_cell
    }
    assert len(found) == len(pairs)


def test_p_values_are_scipys_corrected_for_all_cells_of_a_study_and_metric() -> None:
    rng = np.random.default_rng(1)
    values = {
        name: (0.7 + gain + 0.02 * rng.random(ENOUGH)).tolist() for name, gain in (("a", 0), ("b", 0.1))
    }
    cells = [paired_results(values).assign(deletion=name) for name in ("all", "half")]
    found = paired(pd.concat(cells, ignore_index=True))
    expected = stats.ttest_rel(values["a"], values["b"]).pvalue
    assert found["p_adjusted"].tolist() == pytest.approx([2 * expected] * 2)
    elsewhere = paired(pd.concat([cells[0], cells[1].assign(study="other")], ignore_index=True))
    assert elsewhere["p_adjusted"].tolist() == pytest.approx([expected] * 2)


def test_holm_is_the_one_worked_out_by_hand() -> None:
    # 0.005 x 4, 0.01 x 3, 0.03 x 2, and 0.04 x 1, raised to the value before it.
    found = holm(pd.Series([0.01, 0.04, math.nan, 0.03, 0.005]))
    assert found.tolist() == pytest.approx([0.03, 0.06, math.nan, 0.06, 0.02], nan_ok=True)
    assert holm(pd.Series([0.6, 0.7])).tolist() == [1.0, 1.0]


def test_a_varied_option_of_a_method_is_told_by_the_names_of_the_pair() -> None:
    table = paired_results({"retrain": [0.5, 0.9], "finetune@length=0.5": [0.4, 0.7]})
    table["method.length"] = table["method"].map({"finetune@length=0.5": 0.5})
    table["dataset.keep.cat"] = 0.2
    found = paired(table)
    assert "method.length" not in found.columns
    assert found["dataset.keep.cat"].tolist() == [0.2]


def test_differences_that_are_equal_but_for_rounding_are_not_tested() -> None:
    values = [0.1, 0.2, 0.3, 0.6, 0.7]
    found = paired(paired_results({"a": values, "b": [value + 0.1 for value in values]}))
    assert found["p_adjusted"].isna().all()
    assert found["ci_low"].tolist() == pytest.approx([-0.1])


def test_an_interval_does_not_depend_on_the_order_of_the_seeds() -> None:
    values = np.random.default_rng(5).random(6).tolist()
    assert interval(values) == interval(values[::-1])


def test_utility_x_healed_is_averaged_over_the_recalls_of_each_seed_and_then_over_seeds() -> None:
    lines = [
        {"method": method, "seed": seed, "deletion.recall": recall, "metric": metric, "value": value}
        for method, seed, recall, utility, healed in [
            ("scrub", 0, 0.5, 0.8, 0.5),
            ("scrub", 0, 1.0, 0.6, 1.0),
            ("scrub", 1, 0.5, 0.8, 0.25),
            ("scrub", 1, 1.0, 0.8, 0.75),
            ("do_nothing", 0, None, 0.9, 0.0),
            ("do_nothing", 1, None, 0.9, 0.1),
        ]
        for metric, value in [
            ("clean_accuracy", utility),
            ("corrected_accuracy", healed),
            ("utility_x_healed", utility * healed),
            ("retained_accuracy", 0.123),
        ]
    ]
    where = {
        "study": "s",
        "dataset": "d",
        "poison": "p",
        "attack": "planted",
        "training": "t",
        "class_name": None,
    }
    table = utility_healed(pd.DataFrame(lines).assign(**where), [where["study"]]).set_index(
        ["method", "metric"]
    )
    assert len(table) == 2 * 3
    product = table.loc["scrub", "utility_x_healed"]
    # Seed 0: (0.4 + 0.6) / 2; seed 1: (0.2 + 0.6) / 2; not the product of the means, 0.75 x 0.625.
    assert product["mean"] == pytest.approx((0.5 + 0.4) / 2)
    assert (product["recalls"], product["n"]) == (2, 2)
    assert (product["ci_low"], product["ci_high"]) == pytest.approx(interval([0.5, 0.4]))
    assert table.loc["scrub", "healed"]["mean"] == pytest.approx(0.625)
    assert table.loc["do_nothing", "healed"]["mean"] == pytest.approx(0.05)
    assert table.loc["do_nothing", "utility"]["recalls"] == 1


def test_a_seed_without_all_recalls_has_no_part_in_the_average_over_them() -> None:
    values = {
        ("scrub", 0, 0.5): 0.4,
        ("scrub", 0, 1.0): 0.6,
        ("scrub", 1, 1.0): 1.0,
        ("retrain", 1, 1.0): 1.0,
    }
    lines = [
        {
            "method": method,
            "seed": seed,
            "deletion.recall": recall,
            "metric": "clean_accuracy",
            "value": value,
        }
        for (method, seed, recall), value in values.items()
    ]
    where = {
        "study": "s",
        "dataset": "d",
        "poison": "p",
        "attack": "planted",
        "training": "t",
        "class_name": None,
    }
    table = utility_healed(pd.DataFrame(lines).assign(**where), [where["study"]])
    assert table[["method", "recalls", "mean", "n"]].to_numpy().tolist() == [["scrub", 2, 0.5, 1]]


def test_a_cell_tells_in_how_many_seeds_its_method_changed_no_weight() -> None:
    table = results()
    counted = table[(table["method"] == "retrain") & table["class_name"].isna()].assign(
        metric="weights_changed"
    )
    counted["value"] = np.where(counted["seed"] == 0, 0.0, 0.5)
    summary = summarise(pd.concat([table, counted], ignore_index=True)).set_index("method")
    assert summary.loc["retrain", "did_nothing"].tolist() == [1, 1, 1]  # equal for every metric and class
    assert summary.loc["do_nothing", "did_nothing"].isna().all()  # not measured
