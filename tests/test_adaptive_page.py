"""The numbers of docs/results/adaptive follow from its tables."""

import re

import pandas as pd
import pytest

from docs.adaptive_run import PAGE, TABLES, counts, settled
from unpoison.deciding import decisions
from unpoison.outcomes import healed
from unpoison.recall_thresholds import recall_thresholds

TEXT = PAGE.read_text()


def table(name: str) -> pd.DataFrame:
    return pd.read_parquet(TABLES / f"{name}.parquet")


@pytest.mark.parametrize("made", [counts, settled])
def test_the_page_has_the_tables_that_the_script_makes(made: object) -> None:
    assert made() in TEXT  # type: ignore[operator]


@pytest.mark.parametrize(
    ("study", "words", "models"), [("grid", "grid of five", 100), ("bisected", "bisection in", 60)]
)
def test_each_design_has_its_trainings_and_its_threshold(study: str, words: str, models: int) -> None:
    outcomes = table("outcomes")
    of_study = outcomes[(outcomes["study"] == study) & outcomes["class_name"].isna()]
    assert len(of_study) == models and of_study["seed"].nunique() == 20
    found = recall_thresholds(of_study).iloc[0]
    cells = next(line for line in TEXT.splitlines() if line.startswith(f"| {words}")).split(" | ")
    assert [int(cell) for cell in cells[1:4]] == [20, models, models + 40]
    assert cells[4] == f"{found['r50']:.3f} [{found['r50_low']:.3f}, {found['r50_high']:.3f}]"
    assert cells[6].startswith(f"{found['r90']:.3f} [{found['r90_low']:.3f}")


def test_bisection_has_at_most_the_grids_standard_error_at_three_fifths_of_its_models() -> None:
    errors = {
        words: float(re.search(rf"\| {words}.*\| (0\.\d+) \| [^|]+\|$", TEXT, re.MULTILINE).group(1))  # type: ignore[union-attr]
        for words in ("grid", "bisection in")
    }
    assert errors["bisection in"] <= errors["grid"]


def test_the_decisions_follow_from_the_outcomes() -> None:
    recalls = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    rounds = {
        "bisected": {
            "rule": "bisect",
            "options": {"low": 0.2, "high": 1.0, "steps": 3},
            "chains": {f"found@recall={recall}": ["found", recall] for recall in recalls},
        },
        "settled": {
            "rule": "until settled",
            "options": {"at_least": 10, "at_most": 40, "step": 5},
            "cells": [["ten_classes", "patch", "resnet9", "found@recall=0.9", "retrain"]],
        },
    }
    again = decisions(table("outcomes"), rounds)
    pd.testing.assert_frame_equal(again.reset_index(drop=True), table("decisions"), check_dtype=False)
    counted = healed(table("outcomes"), rounds)
    assert set(counted.loc[counted["study"] == "bisected", "n"]) == {20}
