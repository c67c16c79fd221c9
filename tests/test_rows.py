"""The table of rows, and the choice of a data set's rows from a source."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from unpoison.errors import UserError
from unpoison.files import write_columns
from unpoison.rows import COLUMNS, NONE, Rows, choose_rows, count_rows, joined, read_rows, write_rows

THERE = {"cat": 20, "dog": 20, "ship": 20}


@pytest.fixture
def source() -> Rows:
    return tiny.source_rows()


def counts(rows: Rows, split: str) -> list[int]:
    return list(rows.of(split).count_by_class().values())


def test_clean_rows_have_no_trigger_no_target_and_their_own_label(source: Rows) -> None:
    assert (source.given_label == source.label).all()
    assert not source.is_poisoned.any()
    assert set(source.trigger_id) == set(source.target) == {NONE}
    assert source.given_label is not source.label


def test_rows_come_back_as_they_were_written(source: Rows, tmp_path: Path) -> None:
    poisoned = replace(source, is_poisoned=source.label == 1, trigger_id=source.label - 1)
    for rows in (poisoned, poisoned.take(np.array([], dtype=np.int64))):
        write_rows(tmp_path / "rows.parquet", rows)
        again = read_rows(tmp_path / "rows.parquet")
        assert again.class_names == rows.class_names
        for column in COLUMNS:
            assert getattr(again, column).tolist() == getattr(rows, column).tolist()
            if len(rows):
                assert getattr(again, column).dtype == getattr(rows, column).dtype


def test_rows_are_taken_by_mask_or_by_position(source: Rows) -> None:
    mask = source.label == 2
    assert source.take(mask).row_id.tolist() == source.take(np.flatnonzero(mask)).row_id.tolist()
    assert len(source.take(mask)) == mask.sum()


def test_counts_are_by_given_class_and_name_classes_without_rows(source: Rows) -> None:
    some = source.take(source.label != 1)
    unknown = replace(some, label=np.full(len(some), NONE))
    assert unknown.count_by_class() == {"cat": 26, "dog": 0, "ship": 26}


def of_unknown_truth(rows: Rows) -> Rows:
    return replace(rows, is_poisoned=None, label=np.where(rows.split == "train", NONE, rows.label))


def test_that_nobody_knows_the_truth_survives_writing_taking_and_joining(
    source: Rows, tmp_path: Path
) -> None:
    rows = of_unknown_truth(source)
    write_rows(tmp_path / "rows.parquet", rows)
    again = read_rows(tmp_path / "rows.parquet")
    assert again.is_poisoned is None
    assert again.label.tolist() == rows.label.tolist()
    assert again.of("train").is_poisoned is None
    twice = joined([again.of("train"), again.of("test")])
    assert twice.is_poisoned is None
    assert len(twice) == len(rows)


def test_who_asks_for_the_truth_where_nobody_knows_it_is_refused(source: Rows) -> None:
    assert source.poisoned("a test").tolist() == source.is_poisoned.tolist()
    with pytest.raises(
        UserError, match="a test needs to know which training rows are poisoned, which is unknown for data as"
    ):
        of_unknown_truth(source).poisoned("a test")


def with_further_splits(source: Rows) -> Rows:
    """Return the tiny source with two trusted rows and one triggered row of each class."""
    split = source.split.copy()
    for label in range(len(source.class_names)):
        split[np.flatnonzero((split == "train") & (source.label == label))[:2]] = "trusted"
        split[np.flatnonzero((split == "test") & (source.label == label))[:1]] = "triggered"
    return replace(source, split=split, is_poisoned=None)


def test_trusted_rows_are_validation_rows_beside_those_set_aside(source: Rows) -> None:
    source = with_further_splits(source)
    trusted = set(source.of("trusted").row_id)
    alone, more = (choose_rows(source, 0, validation=count) for count in (0, 3))
    assert set(alone.of("validation").row_id) == trusted
    assert counts(more, "validation") == [3, 3, 3]
    assert trusted < set(more.of("validation").row_id)
    assert set(choose_rows(source, 0, classes=["cat", "dog"]).of("validation").label) == {0, 1}


def test_chosen_rows_are_before_any_attack_and_keep_triggered_images(source: Rows) -> None:
    rows = choose_rows(with_further_splits(source), 0)
    assert rows.is_poisoned is not None
    assert not rows.is_poisoned.any()
    assert counts(rows, "triggered") == [1, 1, 1]


@pytest.mark.parametrize(
    ("options", "kept", "aside"),
    [
        ({}, [20, 20, 20], [0, 0, 0]),
        ({"keep": {"cat": 0.2}}, [4, 20, 20], [0, 0, 0]),
        ({"keep": {"cat": 1}}, [1, 20, 20], [0, 0, 0]),
        ({"keep": {"cat": 1.0}}, [20, 20, 20], [0, 0, 0]),
        ({"keep": {"cat": 7, "ship": 0.5}}, [7, 20, 10], [0, 0, 0]),
        ({"validation": 6}, [20, 20, 20], [2, 2, 2]),
        ({"validation": 0.1}, [20, 20, 20], [2, 2, 2]),
        ({"keep": {"cat": 5}, "validation": 9}, [5, 20, 20], [1, 4, 4]),
    ],
)
def test_keep_and_validation_have_their_exact_counts(
    source: Rows, options: dict[str, Any], kept: list[int], aside: list[int]
) -> None:
    assert [list(part.values()) for part in count_rows(THERE, **options)] == [kept, aside]
    rows = choose_rows(source, 0, **options)
    assert counts(rows, "validation") == aside
    assert counts(rows, "train") == [whole - part for whole, part in zip(kept, aside, strict=True)]
    assert counts(rows, "test") == [tiny.TEST_PER_CLASS] * 3


@pytest.mark.parametrize("classes", [["ship", "cat"], ["cat", "ship"]])
def test_chosen_classes_are_numbered_in_the_order_of_the_source(source: Rows, classes: list[str]) -> None:
    rows = choose_rows(source, 0, classes=classes)
    assert rows.class_names == ("cat", "ship")
    assert counts(rows, "train") == [20, 20]
    for row_id, label, told in zip(rows.row_id, rows.label, rows.given_label, strict=True):
        assert row_id.split("/")[1] == rows.class_names[label] == rows.class_names[told]


def test_a_chosen_row_still_points_at_its_own_image(source: Rows) -> None:
    rows = choose_rows(source, 0, classes=["dog", "ship"], keep={"dog": 5})
    assert rows.row_id.tolist() == source.row_id[rows.image].tolist()
    assert (np.diff(rows.image) > 0).all()


@given(st.integers(1, 19), st.integers(0, 20))
def test_a_smaller_keep_is_within_a_larger_one_with_the_same_seed(kept: int, seed: int) -> None:
    smaller, larger = (
        set(choose_rows(tiny.source_rows(), seed, keep={"cat": count}).row_id) for count in (kept, kept + 1)
    )
    assert smaller < larger


@pytest.mark.parametrize(
    ("options", "split"), [({"keep": {"cat": 10}}, "train"), ({"validation": 6}, "validation")]
)
def test_two_seeds_keep_different_rows_and_set_others_aside(
    source: Rows, options: dict[str, Any], split: str
) -> None:
    first, second = (set(choose_rows(source, seed, **options).of(split).row_id) for seed in (0, 1))
    assert len(first) == len(second)
    assert first != second


def test_a_shuffled_source_gives_the_same_rows() -> None:
    order = np.random.default_rng(3).permutation(len(tiny.source_rows()))
    for split in ("train", "validation", "test"):
        first, second = (set(tiny.chosen_rows(given).of(split).row_id) for given in (None, order))
        assert first == second


def test_choosing_rows_leaves_the_source_as_it_is(source: Rows) -> None:
    choose_rows(source, 0, keep={"cat": 3}, validation=6)
    assert source.split.tolist() == tiny.source_rows().split.tolist()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"classes": ["cat", "fox"]}, "unknown class 'fox'; choose from cat, dog, ship"),
        ({"keep": {"fox": 3}}, "unknown class in keep: 'fox'"),
        (
            {"classes": ["cat", "dog"], "keep": {"ship": 3}},
            "unknown class in keep: 'ship'; choose from cat, dog",
        ),
        ({"keep": {"cat": 21}}, "cannot keep 21 training images of class 'cat': there are 20"),
        ({"keep": {"cat": 0}}, "cannot keep 0 training images of class 'cat'"),
        ({"keep": {"cat": 0.01}}, "cannot keep 0 training images of class 'cat'"),
        ({"validation": 60}, "cannot set 60 rows aside for validation: there are 60 training rows"),
        ({"validation": 1.0}, "cannot set 60 rows aside"),
    ],
)
def test_what_cannot_be_chosen_is_refused_before_and_after_reading(
    source: Rows, options: dict[str, Any], sentence: str
) -> None:
    for choose in (lambda: count_rows(THERE, **options), lambda: choose_rows(source, 0, **options)):
        with pytest.raises(UserError, match=sentence):
            choose()


def test_another_table_of_ours_is_no_table_of_rows(tmp_path: Path) -> None:
    write_columns(tmp_path / "scores.parquet", {"score": [0.5]}, notes={"class_names": ["a", "b"]})
    with pytest.raises(UserError, match="is no table of rows: found the columns score"):
        read_rows(tmp_path / "scores.parquet")
