"""The best method of a deletion set and the best threshold of a detector, against values computed by hand."""

import math
from typing import Any

import pandas as pd
import pytest

from unpoison.columns import TABLES
from unpoison.levels import IDENTITY
from unpoison.plane import best_methods, thresholds, verdict
from unpoison.statistics import interval

METRICS = ("adversarial_accuracy", "clean_accuracy")


def results(values: dict[tuple[str | None, str], list[float]], **changes: Any) -> pd.DataFrame:
    """Return results: adversarial accuracy by deletion set, method and seed; clean accuracy is 0.1 higher."""
    lines = [
        (
            "main",
            "catdog",
            "patch",
            "quick",
            seed,
            deletion,
            method,
            metric,
            value + 0.1 * (metric == METRICS[1]),
        )
        for (deletion, method), of_seeds in values.items()
        for seed, value in enumerate(of_seeds)
        for metric in METRICS
    ]
    table = pd.DataFrame(lines, columns=[*IDENTITY, "metric", "value"])
    table = table.assign(class_name=None, unit="share", higher_is_better=True, fdr=0.5, recall=0.9, fpr=0.1)
    table["detector"] = table["deletion"].map({"early": "loss", "late": "loss"})
    return table.assign(attack="planted", **changes)


NOTHING = {(None, "do_nothing"): [0.2, 0.3, 0.4], (None, "oracle"): [0.9, 0.9, 0.9]}
DRAWN = {("all", "retrain"): [0.7, 0.9, 0.8], ("all", "finetune"): [0.6, 0.6, 0.6]}
OF_DETECTOR = {("early", "retrain"): [0.3, 0.3, 0.3], ("late", "retrain"): [0.4, 0.5, 0.6]}


def test_the_best_method_is_the_one_that_gains_most_seed_by_seed() -> None:
    [line] = best_methods(results(NOTHING | DRAWN)).to_dict("records")
    assert (line["best"], line["runner_up"], line["metric"], line["n"]) == (
        "retrain", "finetune", "adversarial_accuracy", 3,
    )  # fmt: skip
    assert line["gain"] == pytest.approx(0.5)
    assert (line["gain_low"], line["gain_high"]) == pytest.approx(interval([0.5, 0.6, 0.4]))
    assert line["clean_gain"] == pytest.approx(0.5)
    assert line["ahead"] == pytest.approx(0.2)
    assert (line["ahead_low"], line["ahead_high"]) == pytest.approx(interval([0.1, 0.3, 0.2]))
    assert line["verdict"] == "too few seeds to tell"
    assert (line["recall"], line["fdr"], line["fpr"]) == pytest.approx((0.9, 0.5, 0.1))


def test_doing_nothing_can_be_best_and_a_method_without_a_deletion_set_too() -> None:
    worse = {("all", "retrain"): [0.1, 0.2, 0.3]}
    [line] = best_methods(results(NOTHING | worse)).to_dict("records")
    assert (line["best"], line["gain"], line["runner_up"]) == ("do_nothing", 0.0, "retrain")
    assert line["verdict"] == "ahead of the runner-up"  # by 0.1 in every seed
    repaired = {(None, "anp"): [0.5, 0.5, 0.5]}
    [line] = best_methods(results(NOTHING | worse | repaired)).to_dict("records")
    assert line["best"] == "anp"


def test_every_deletion_set_of_every_place_has_a_line() -> None:
    both = pd.concat([results(NOTHING | DRAWN | OF_DETECTOR), results(NOTHING | DRAWN, study="other")])
    table = best_methods(both)
    assert list(table.columns) == list(TABLES["best"].columns)
    assert sorted(zip(table["study"], table["deletion"], strict=True)) == [
        ("main", "all"), ("main", "early"), ("main", "late"), ("other", "all"),
    ]  # fmt: skip


def test_without_a_trigger_the_confused_classes_or_the_mislabelled_rows_decide() -> None:
    for other in ("confused_accuracy", "corrected_accuracy"):
        table = results(NOTHING | DRAWN)
        table["metric"] = table["metric"].replace(METRICS[0], other)
        assert best_methods(table)["metric"].tolist() == [other]


def test_a_threshold_is_the_one_that_gains_most_of_those_run() -> None:
    table = thresholds(results(NOTHING | DRAWN | OF_DETECTOR))
    assert list(table.columns) == list(TABLES["thresholds"].columns)
    [line] = table.to_dict("records")
    assert (line["detector"], line["method"], line["deletion"], line["of"]) == ("loss", "retrain", "late", 2)
    assert line["gain"] == pytest.approx(0.2)
    assert line["verdict"] == "better than doing nothing"


def test_without_a_detector_there_is_no_line_but_every_column() -> None:
    table = thresholds(results(NOTHING | DRAWN))
    assert (list(table.columns), len(table)) == (list(TABLES["thresholds"].columns), 0)
    nothing = best_methods(results(NOTHING))
    assert (list(nothing.columns), len(nothing)) == (list(TABLES["best"].columns), 0)


@pytest.mark.parametrize(
    ("low", "high", "seeds", "expected"),
    [
        (0.1, 0.2, 2, "more"),
        (-0.2, -0.1, 9, "less"),
        (-0.1, 0.1, 3, "too few seeds to tell"),
        (-0.1, 0.1, 5, "no difference seen"),
        (math.nan, math.nan, 1, "too few seeds to tell"),
    ],
)
def test_a_verdict_is_what_the_interval_says(low: float, high: float, seeds: int, expected: str) -> None:
    assert verdict(low, high, seeds, "more", "less") == expected
