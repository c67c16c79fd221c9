"""The table of detectors against means and intervals that are computed here by hand."""

from math import isnan, sqrt
from statistics import mean, stdev
from typing import Any

import pandas as pd
import pytest

from unpoison.columns import COLUMNS, TABLES
from unpoison.false_alarms import detectors

T = {2: 12.7062, 3: 4.3027}  # Student's t, 97.5 %, by the number of seeds
# For each seed: recall, fdr, fpr, size, AUROC, average precision.
POISONED = {
    0: (0.5, 0.2, 0.1, 25, 0.9, 0.8),
    1: (0.7, 0.4, 0.3, 35, 0.8, 0.6),
    2: (0.9, None, 0.2, 0, 0.7, 0.7),
}
CLEAN = {0: (None, 1.0, 0.02, 20, None, None), 1: (None, None, 0.0, 0, None, None)}
NAMES = ("recall", "fdr", "fpr", "size", "auroc", "average_precision")


def lines_of(
    study: str, poison: str, of_seeds: dict[int, tuple[Any, ...]], **names: str
) -> list[dict[str, Any]]:
    """Return results rows for a deletion set with two methods, and for the poisoned model itself."""
    attack = "unpoisoned" if poison == "unpoisoned" else "planted"
    place = {"study": study, "dataset": "ten", "poison": poison, "attack": attack, "training": "net"} | names
    lines = []
    for seed, (recall, fdr, fpr, size, auroc, precision) in of_seeds.items():
        lines.append(
            {**place, "seed": seed, "method": "do_nothing", "metric": "clean_accuracy", "value": 0.5}
        )
        for method in ("retrain", "finetune"):
            cell = {**place, "seed": seed, "method": method, "deletion": "own", "detector": "loss"} | names
            cell |= {"recall": recall, "fdr": fdr, "fpr": fpr, "size": size}
            told = {"clean_accuracy": 0.5, "detector_auroc": auroc, "detector_average_precision": precision}
            for metric, value in told.items():
                if value is not None:
                    lines += [{**cell, "metric": metric, "value": value, "class_name": None}]
            lines.append({**cell, "metric": "clean_accuracy", "value": 0.4, "class_name": "cat"})
    return lines


def table_of(*parts: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame([line for part in parts for line in part])
    table = table.reindex(columns=list(COLUMNS)).assign(unit="share", higher_is_better=True)
    return table.astype({name: column.dtype for name, column in COLUMNS.items()})


def by_hand(values: list[float | None]) -> tuple[float, float, float]:
    """Return the mean, and the ends of Student's t interval."""
    known = [value for value in values if value is not None]
    half = T[len(known)] * stdev(known) / sqrt(len(known))
    return mean(known), mean(known) - half, mean(known) + half


@pytest.fixture
def made() -> pd.DataFrame:
    found, twin = lines_of("found", "patch", POISONED), lines_of("control", "unpoisoned", CLEAN)
    return detectors(table_of(found, twin)).set_index("study")


def test_means_and_intervals_are_over_the_seeds_that_have_a_value(made: pd.DataFrame) -> None:
    row = made.loc["found"]
    for place, name in enumerate(NAMES):
        expected = by_hand([values[place] for values in POISONED.values()])
        assert [row[name], row[f"{name}_low"], row[f"{name}_high"]] == pytest.approx(expected, rel=1e-4), name
    assert (row["n"], row["fdr_n"]) == (3, 2)


def test_the_false_alarm_rate_is_the_share_that_is_accused_in_the_unpoisoned_twin(made: pd.DataFrame) -> None:
    expected = by_hand([values[2] for values in CLEAN.values()])
    for study in ("found", "control"):
        row = made.loc[study]
        told = [row[f"false_alarm_rate{end}"] for end in ("", "_low", "_high")]
        assert told == pytest.approx(expected, rel=1e-4)
        assert row["false_alarm_rate_n"] == 2


def test_what_is_not_defined_without_a_poison_is_null(made: pd.DataFrame) -> None:
    row = made.loc["control"]
    for name in ("recall", "auroc", "average_precision"):
        assert all(isnan(row[f"{name}{end}"]) for end in ("", "_low", "_high")), name
    assert (row["n"], row["fdr_n"]) == (2, 1)
    assert (row["fpr"], row["size"]) == (0.01, 10.0)


@pytest.mark.parametrize("other", ["dataset", "training", "deletion"])
def test_a_set_of_another_data_set_training_or_cut_is_no_twin(other: str) -> None:
    twin = lines_of("control", "unpoisoned", CLEAN, **{other: "another"})
    row = detectors(table_of(lines_of("found", "patch", POISONED), twin)).set_index("study").loc["found"]
    assert isnan(row["false_alarm_rate"])
    assert isnan(row["false_alarm_rate_low"])
    assert row["false_alarm_rate_n"] == 0


def test_a_twin_in_two_studies_counts_once() -> None:
    twins = [lines_of(study, "unpoisoned", CLEAN) for study in ("control", "again")]
    table = detectors(table_of(lines_of("found", "patch", POISONED), *twins))
    assert len(table) == 3
    assert set(table["false_alarm_rate_n"]) == {2}


def test_a_set_that_is_drawn_has_no_row_and_one_of_a_detector_has_one() -> None:
    drawn = [line | {"detector": None} for line in lines_of("drawn", "patch", POISONED)]
    assert detectors(table_of(drawn)).empty
    table = detectors(table_of(drawn, lines_of("found", "patch", POISONED)))
    assert table["study"].tolist() == ["found"]
    assert list(table.columns) == list(TABLES["detectors"].columns)
