"""The results table."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from unpoison.columns import COLUMNS
from unpoison.levels import IDENTITY
from unpoison.metrics import METRICS
from unpoison.results import collect

LEVELS = {"poison": ["patch"], "training": ["quick"], "method": ["retrain", "finetune"]}
STUDIES = {
    "imbalance": {
        **LEVELS,
        "dataset": ["catdog@keep.cat=0.2", "catdog@keep.cat=1.0"],
        "deletion": ["all"],
        "seed": [0, 1],
        "vary": ["dataset.keep.cat"],
    },
    "false_positives": {
        **LEVELS,
        "dataset": ["catdog@keep.cat=1.0"],
        "deletion": ["all", "all@fpr=0.4"],
        "seed": [0],
        "vary": ["deletion.fpr"],
    },
}
VARIED = {
    "dataset": {
        "catdog@keep.cat=0.2": {"dataset.keep.cat": 0.2},
        "catdog@keep.cat=1.0": {"dataset.keep.cat": 1.0},
    },
    "poison": {"patch": {}},
    "training": {"quick": {}},
    "deletion": {"all": {}, "all@fpr=0.4": {"deletion.fpr": 0.4}},
    "method": {"retrain": {}, "finetune": {}},
}


def model(
    dataset: str, seed: int, deletion: str | None, method: str, value: float = 0.5
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the metrics of one model in the form of `read_columns`, and its identity."""
    rates = np.array([np.nan, np.nan] if deletion is None else [0.5, 0.5])
    columns = {
        "metric": np.array(["clean_accuracy", "clean_accuracy"], dtype=object),
        "class_name": np.array([None, "cat"], dtype=object),
        "value": np.array([value, value]),
        "unit": np.array(["share", "share"], dtype=object),
        "higher_is_better": np.array([True, True]),
        **dict.fromkeys(("recall", "fdr", "fpr"), rates),
        "size": np.array([None, None] if deletion is None else [7, 7]),
    }
    identity = {"dataset": dataset, "poison": "patch", "training": "quick", "seed": seed}
    return columns, {**identity, "deletion": deletion, "method": method}


DETECTORS = {"all@fpr=0.4": "spectral"}
SMALL, WHOLE = "catdog@keep.cat=0.2", "catdog@keep.cat=1.0"
ATTACKS = {SMALL: {"patch": "planted"}, WHOLE: {"patch": "planted on suspect data"}}
MODELS = [
    model(SMALL, 0, "all", "retrain"),
    model(WHOLE, 0, "all", "retrain", 0.7),  # in both studies
    model(WHOLE, 0, "all@fpr=0.4", "retrain"),
    model(WHOLE, 1, "all", "finetune"),
    model(WHOLE, 0, None, "do_nothing"),  # in both studies
    model(SMALL, 1, None, "oracle"),
]


@pytest.fixture
def table() -> pd.DataFrame:
    return collect(MODELS, STUDIES, VARIED, DETECTORS, ATTACKS)


def cells(table: pd.DataFrame, study: str) -> set[tuple]:
    chosen = table[(table["study"] == study) & table["class_name"].isna()]
    keys = chosen[["dataset", "seed", "deletion", "method"]].astype(object)
    return set(keys.where(keys.notna(), None).itertuples(index=False, name=None))


def test_the_columns_are_those_that_are_documented_and_the_varied_keys(table: pd.DataFrame) -> None:
    assert list(table.columns) == [*COLUMNS, "dataset.keep.cat", "deletion.fpr"]
    for name, column in COLUMNS.items():
        assert str(table[name].dtype) == column.dtype, name
        assert column.meaning


def test_a_model_that_two_studies_share_is_in_both(table: pd.DataFrame) -> None:
    shared = {(WHOLE, 0, "all", "retrain"), (WHOLE, 0, None, "do_nothing")}
    assert cells(table, "imbalance") & cells(table, "false_positives") == shared
    assert set(table.loc[table["value"] == 0.7, "study"]) == {"imbalance", "false_positives"}


def test_each_study_has_its_own_models_and_no_others(table: pd.DataFrame) -> None:
    assert cells(table, "imbalance") == {
        (SMALL, 0, "all", "retrain"),
        (WHOLE, 0, "all", "retrain"),
        (WHOLE, 1, "all", "finetune"),
        (WHOLE, 0, None, "do_nothing"),
        (SMALL, 1, None, "oracle"),
    }
    assert cells(table, "false_positives") == {
        (WHOLE, 0, "all", "retrain"),
        (WHOLE, 0, "all@fpr=0.4", "retrain"),
        (WHOLE, 0, None, "do_nothing"),
    }


def test_every_measurement_is_in_a_study_once(table: pd.DataFrame) -> None:
    assert len(table) == 2 * (5 + 3)
    assert not table.duplicated([*IDENTITY, "metric", "class_name"]).any()


def test_a_varied_key_has_its_value_in_the_studies_that_vary_it_and_is_null_elsewhere(
    table: pd.DataFrame,
) -> None:
    imbalance, false_positives = (table[table["study"] == name] for name in ("imbalance", "false_positives"))
    assert (imbalance["dataset.keep.cat"] == imbalance["dataset"].map({SMALL: 0.2, WHOLE: 1.0})).all()
    assert imbalance["deletion.fpr"].isna().all()
    assert false_positives["dataset.keep.cat"].isna().all()
    by_deletion = false_positives.groupby("deletion", dropna=False)["deletion.fpr"].first()
    assert by_deletion["all@fpr=0.4"] == 0.4
    assert by_deletion.drop("all@fpr=0.4").isna().all()


def test_a_deletion_set_of_a_detector_is_told_its_name(table: pd.DataFrame) -> None:
    of_detector = table["deletion"].eq("all@fpr=0.4").fillna(False)
    assert set(table.loc[of_detector, "detector"]) == {"spectral"}
    assert table.loc[~of_detector, "detector"].isna().all()


def test_values_and_rates_stay_with_their_model(table: pd.DataFrame) -> None:
    shared = table[
        (table["dataset"] == WHOLE) & (table["deletion"] == "all") & (table["method"] == "retrain")
    ]
    assert set(shared["value"]) == {0.7}
    assert table.loc[table["deletion"].isna(), ["recall", "fdr", "fpr", "size"]].isna().all(axis=None)
    assert set(table.loc[table["deletion"].notna(), "size"]) == {7}
    assert (table.loc[table["deletion"].notna(), "recall"] == 0.5).all()


def test_the_order_of_the_models_does_not_matter(table: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        collect(reversed(MODELS), dict(reversed(STUDIES.items())), VARIED, DETECTORS, ATTACKS), table
    )


def test_a_table_of_references_alone_has_the_same_dtypes() -> None:
    table = collect([model(WHOLE, 0, None, "do_nothing")], STUDIES, VARIED, DETECTORS, ATTACKS)
    assert {name: str(table[name].dtype) for name in COLUMNS} == {
        name: column.dtype for name, column in COLUMNS.items()
    }


def test_the_meanings_of_the_metrics_are_documented() -> None:
    for name, metric in METRICS.items():
        assert metric.unit in ("share", "seconds", "images"), name
        assert metric.meaning, name
        assert metric.formula, name
        assert metric.source, name
