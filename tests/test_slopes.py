"""Pooled slopes: estimated where the tables suffice, null with a reason elsewhere, without output."""

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from unpoison.columns import TABLES
from unpoison.slopes import slopes
from unpoison.statistics import interval

RECALLS, FPRS = (0.2, 0.5, 0.7, 0.9, 1.0), (0.0, 0.2, 0.4)
PLACE = {"study": "s", "dataset": "d", "poison": "p", "training": "t"}


def tables(
    *methods: str, seeds: int = 8, noise: float = 0.01, spread: float = 0.0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return results and outcomes of a plane: slopes of 12 (log odds, recall) and -0.1 (clean accuracy, FPR).

    Args:
        noise: of each accuracy; spread: standard deviation of the seeds' slopes.
    """
    rng = np.random.default_rng(3)
    lines = []
    for seed in range(seeds):
        slope, shift, mood = -0.1 + spread * rng.standard_normal(), *rng.standard_normal(2)
        for method in methods:
            for recall in RECALLS:
                for fpr in FPRS:
                    odds = 12 * (recall - 0.7) + 0.5 * mood
                    is_healed = rng.random() < 1 / (1 + np.exp(-odds))
                    accuracy = 0.8 + slope * fpr + 0.01 * shift + noise * rng.standard_normal()
                    name = f"found@fpr={fpr}@recall={recall}"
                    lines.append((seed, method, name, recall, fpr, accuracy, is_healed))
    columns = ["seed", "method", "deletion", "deletion.recall", "deletion.fpr", "value", "healed"]
    table = pd.DataFrame(lines, columns=columns).assign(**PLACE)
    table["class_name"] = pd.Series(None, index=table.index, dtype="string")
    table = table.convert_dtypes()
    return table.drop(columns="healed").assign(metric="clean_accuracy"), table.drop(columns="value")


def row(table: pd.DataFrame, **names: object) -> pd.Series:
    for name, value in names.items():
        table = table[table[name].isna() if value is None else table[name] == value]
    assert len(table) == 1, table
    return table.iloc[0]


def test_both_slopes_are_found_with_their_intervals() -> None:
    found = slopes(*tables("retrain", "finetune", seeds=20))
    for method in ("retrain", "finetune"):
        healed = row(found, metric="healed", method=method, key="deletion.recall")
        clean = row(found, metric="clean_accuracy", method=method, key="deletion.fpr")
        assert healed["low"] < 12 < healed["high"] and healed["low"] > 4
        assert clean["low"] < -0.1 < clean["high"] < -0.08
        assert healed["n"] == clean["n"] == 20
    shared = row(found, metric="healed", method=None, key="deletion.fpr")
    assert shared["low"] < 0 < shared["high"]
    assert len(found) == 5 and found["reason"].isna().all()


def test_seeds_that_heal_more_readily_than_others_are_told_apart() -> None:
    """Without a variance between seeds, the estimate would be the flatter slope of all seeds mixed."""
    moods = np.linspace(-4, 4, 20)
    results, outcomes = tables("retrain", seeds=20)
    rng = np.random.default_rng(5)
    odds = 12 * (outcomes["deletion.recall"] - 0.7) + moods[outcomes["seed"]]
    outcomes["healed"] = rng.random(len(odds)) < 1 / (1 + np.exp(-odds.astype(float)))
    found = row(slopes(results, outcomes), metric="healed", method="retrain")
    assert found["slope"] > 10


def test_the_same_tables_give_the_same_slopes() -> None:
    pair = tables("retrain")
    pd.testing.assert_frame_equal(slopes(*pair), slopes(*pair))


def test_where_seeds_differ_in_their_slopes_the_seed_is_the_unit() -> None:
    results, outcomes = tables("retrain", noise=0.003, spread=0.1)
    found = row(slopes(results, outcomes), metric="clean_accuracy")
    of_seed = [np.polyfit(rows["deletion.fpr"], rows["value"], 1)[0] for _, rows in results.groupby("seed")]
    low, high = interval(of_seed)
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=0.05 * (high - low))


@pytest.mark.parametrize(
    ("is_healed", "reason"),
    [
        (lambda recall: recall > -1, "every model is healed"),
        (lambda recall: recall < -1, "no model is healed"),
        (lambda recall: recall > 0.6, "separated"),
        (lambda recall: recall < 0.6, "separated"),
    ],
)
def test_a_method_without_a_finite_slope_has_null_and_a_reason(is_healed: object, reason: str) -> None:
    results, outcomes = tables("retrain", "finetune")
    is_it = outcomes["method"] == "retrain"
    outcomes["healed"] = outcomes["healed"].mask(is_it, is_healed(outcomes["deletion.recall"]))  # type: ignore[operator]
    found = slopes(results, outcomes)
    lost = row(found, metric="healed", method="retrain")
    assert reason in lost["reason"]
    assert lost[["slope", "low", "high"]].isna().all()
    assert row(found, metric="healed", method="finetune")["low"] > 0


def test_nothing_is_said_and_nothing_breaks_where_no_model_can_be_fitted(
    capfd: pytest.CaptureFixture,
) -> None:
    results, outcomes = tables("retrain")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = slopes(results.assign(value=0.8), outcomes.assign(healed=True))
    assert found["slope"].isna().all() and found["reason"].notna().all()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "changed",
    [
        lambda table: table[table["seed"] < 4],
        lambda table: table[(table["deletion.recall"] == 1) & (table["deletion.fpr"] == 0)],
        lambda table: pd.concat([table, table.assign(deletion="other")]),
        lambda table: table.assign(**{"deletion.bias": table["deletion.fpr"].astype("string")}),
    ],
)
def test_a_study_that_tells_no_slope_has_no_row(changed: object) -> None:
    found = slopes(*map(changed, tables("retrain", seeds=5)))  # type: ignore[arg-type]
    assert found.empty and list(found) == list(TABLES["slopes"].columns)


def test_statsmodels_is_loaded_only_for_a_study_that_needs_it() -> None:
    program = "import sys, unpoison.slopes; assert 'statsmodels' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
