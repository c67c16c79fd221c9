"""The tables of a results folder: one list names them, and each matches its definition."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from unpoison.columns import COLUMNS, TABLES
from unpoison.tables import CODE, DERIVED, SHOWN, VIEWED, derived_names, make_tables, names, reported_names

ROOT = Path(__file__).parents[1]
SETTLING = {"rule": "until settled", "options": {"at_least": 3, "at_most": 3, "step": 1}}
CELL = ["catdog", "patch", "quick", "drawn0.5", "retrain"]
CONTRAST = {"metric": "clean_accuracy", "methods": ["retrain", "scrub"], "along": {}, "at": {}}
ASKED = {
    "averaged": ["recalls"],
    "rounds": {"plain": {**SETTLING, "cells": [CELL]}},
    "contrasts": {"plain": {"costs": {**CONTRAST, "class_name": None, "margin": None}}},
}
METRICS = ("adversarial_accuracy", "clean_accuracy", "corrected_accuracy", "retained_accuracy")


def results() -> pd.DataFrame:
    """Return two studies of two methods over two recalls, with the columns and types of the results table."""
    models = [(None, "do_nothing", None), (None, "oracle", None)]
    models += [
        (f"drawn@recall={recall}", method, recall) for recall in (0.5, 1.0) for method in ("retrain", "scrub")
    ]
    table = pd.DataFrame(
        [
            (study, seed, deletion, method, recall, metric, class_name, 0.5 + seed / 10)
            for study in ("plain", "recalls")
            for seed in range(5)  # the minimum for slopes
            for deletion, method, recall in models
            for metric in METRICS
            for class_name in (None, "cat")
        ],
        columns=["study", "seed", "deletion", "method", "recall", "metric", "class_name", "value"],
    )
    table = table.assign(dataset="catdog", poison="patch", attack="planted", training="quick")
    table = table.assign(unit="share", higher_is_better=True, fdr=0.0, fpr=0.0, size=3)
    table["detector"] = table["deletion"].map({"drawn@recall=0.5": "loss"})
    table["deletion.recall"], table["deletion.fpr"] = table["recall"], 1 - table["recall"]
    return table.astype({name: column.dtype for name, column in COLUMNS.items()})


def test_every_table_has_the_columns_that_its_definition_tells() -> None:
    made = make_tables(results(), ASKED)
    assert list(made) == list(DERIVED)
    for name, table in made.items():
        assert len(table), name
        assert {column for column in table.columns if "." not in column} == set(TABLES[name].columns), name


def test_a_table_of_averages_is_of_the_averaged_studies_and_left_out_without_one() -> None:
    assert set(make_tables(results(), ASKED)["utility_healed"]["study"]) == {"recalls"}
    assert "utility_healed" not in make_tables(results(), {})
    assert "utility_healed" not in {*names({}), *derived_names({}), *reported_names({})}
    assert "utility_healed" in reported_names(ASKED)


def test_planned_contrasts_are_left_out_without_one() -> None:
    assert list(make_tables(results(), ASKED)["contrasts"]["contrast"]) == ["costs"]
    assert "contrasts" not in make_tables(results(), {**ASKED, "contrasts": {}})


def test_the_report_reads_what_its_views_and_its_whole_tables_show() -> None:
    derived = ["outcomes", "healed", "recall_thresholds", "references", "paired", "slopes", "detectors"]
    assert reported_names({}) == ["summary", *derived, "provenance"]
    assert {*VIEWED, *SHOWN} <= {*names(ASKED), "missing", "blocks"}


@pytest.mark.parametrize("name", [*names(ASKED), "missing"])
def test_every_table_is_defined(name: str) -> None:
    assert f"tables/{name}.parquet" in TABLES[name].place
    assert name == "missing" or (ROOT / f"workflow/report/{name}.rst").read_text().strip()


def test_the_code_of_the_tables_is_where_their_functions_are_written() -> None:
    for table in DERIVED.values():
        assert table.module in CODE
        assert f"\ndef {table.function}(" in (ROOT / f"{table.module.replace('.', '/')}.py").read_text()


def test_the_names_are_told_without_pandas() -> None:
    program = "import sys, unpoison.tables; assert not {'pandas', 'numpy', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
