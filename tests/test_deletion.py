"""Deletion sets: exact counts in both readings of Cf, random draws, and a user's own list."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from unpoison.attacks import apply
from unpoison.contracts.deletion import NO_DELETION
from unpoison.deletion import (
    count_deletion,
    describe,
    draw_deletion,
    find_rows,
    read_deletion,
    read_row_ids,
    select,
    write_deletion,
)
from unpoison.errors import UserError
from unpoison.poisons import POISONS
from unpoison.rows import Rows

hundredths = st.integers(0, 100).map(lambda number: number / 100)


@pytest.fixture
def train() -> Rows:
    """54 training rows of which 15 are poisoned."""
    rows = tiny.chosen_rows()
    poisoning = POISONS["patch"](rows.of("train"), tiny.SEED, tiny.IMAGE_SIZE, **tiny.options_of("patch"))
    return apply(poisoning, rows).of("train")


# -- counts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "counts"),
    [
        # 1,000 poisoned and 49,000 clean rows.
        ({"recall": 1.0}, (1000, 0)),
        ({"recall": 0.5, "fpr": 0.2}, (500, 9800)),
        ({"recall": 0.0, "fpr": 0.4}, (0, 19600)),
        # 250 of 1,250 are a fifth.
        ({"recall": 1.0, "fdr": 0.2}, (1000, 250)),
        ({"recall": 0.5, "fdr": 0.4}, (500, 333)),
        ({"recall": 0.25, "fdr": 0.0}, (250, 0)),
        # Cf read as FPR: 0.02 of 49,000 clean rows; the rest of Sf are poisons.
        ({"size": 1500, "fpr": 0.02}, (520, 980)),
        # Cf read as FDR: 0.4 of the 1,500 rows.
        ({"size": 1500, "fdr": 0.4}, (900, 600)),
        ({"size": 1000}, (1000, 0)),
        ({"size": 0}, (0, 0)),
        ({"size": 980, "fpr": 0.02}, (0, 980)),
        ({"size": 700, "fdr": 1.0}, (0, 700)),
    ],
)
def test_the_four_forms_give_their_hand_worked_counts(asked: dict[str, Any], counts: tuple[int, int]) -> None:
    assert count_deletion(1000, 49_000, **asked) == counts


@pytest.mark.parametrize(
    ("poisoned", "clean", "asked", "counts"),
    [
        # Exact halves are rounded to even.
        (5, 100, {"recall": 0.5}, (2, 0)),
        (7, 100, {"recall": 0.5}, (4, 0)),
        (10, 25, {"recall": 1.0, "fpr": 0.1}, (10, 2)),
        (10, 35, {"recall": 1.0, "fpr": 0.1}, (10, 4)),
        (10, 100, {"size": 5, "fdr": 0.5}, (3, 2)),
        # 0.35 of 10 is 3.5 and not 3.4999...; 0.145 of 100 is 14.5; 0.29 of 100 is 29 and not 28.99...
        (10, 100, {"recall": 0.35}, (4, 0)),
        (100, 1000, {"recall": 0.145}, (14, 0)),
        (100, 1000, {"recall": 0.29}, (29, 0)),
        (10, 90, {"size": 10, "fdr": 0.35}, (6, 4)),
        # One true positive at FDR 3/4: three false positives; 0.3 / 0.7 of 7 is 3, not 2.99...
        (1, 100, {"recall": 1.0, "fdr": 0.75}, (1, 3)),
        (1, 100, {"recall": 1.0, "fdr": 0.6}, (1, 2)),  # 1.5, in binary 1.4999...
        (7, 100, {"recall": 1.0, "fdr": 0.3}, (7, 3)),
        (9, 100, {"recall": 1.0, "fdr": 0.1}, (9, 1)),
    ],
)
def test_shares_are_decimal_and_halves_round_to_even(
    poisoned: int, clean: int, asked: dict[str, Any], counts: tuple[int, int]
) -> None:
    assert count_deletion(poisoned, clean, **asked) == counts


def test_the_two_readings_of_cf_differ() -> None:
    assert count_deletion(100, 900, size=100, fpr=0.1) == (10, 90)
    assert count_deletion(100, 900, size=100, fdr=0.1) == (90, 10)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"size": 101}, "asks for 101 poisoned and 0 clean rows; there are 100 poisoned rows"),
        ({"size": 50, "fpr": 0.1}, "asks for -40 poisoned and 90 clean rows; there are 100 poisoned rows"),
        ({"recall": 1.5}, "asks for 150 poisoned and 0 clean rows"),
        ({"recall": 1.0, "fpr": 1.0}, "asks for 100 poisoned and 900 clean rows; of 900 clean rows none"),
        ({"recall": 1.0, "fdr": 0.9}, "asks for 100 poisoned and 900 clean rows; of 900 clean rows none"),
        ({"recall": 1.0, "fdr": 0.95}, "asks for 100 poisoned and 1900 clean rows; there are 900 clean rows"),
        ({"recall": 1.0, "fdr": 1.0}, "cannot have fdr: 1"),
        ({}, "takes size or recall, .* found \\(nothing\\)"),
        ({"fpr": 0.1}, "found fpr: 0.1"),
        ({"size": 10, "recall": 0.5}, "found size: 10, recall: 0.5"),
        ({"size": 10, "fpr": 0.1, "fdr": 0.1}, "found size: 10, fpr: 0.1, fdr: 0.1"),
    ],
)
def test_what_cannot_be_met_is_refused_with_its_numbers(asked: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        count_deletion(100, 900, **asked)


def is_feasible(true: Fraction | int, false: Fraction | int, poisoned: int, clean: int) -> bool:
    return 0 <= round(true) <= poisoned and round(false) < clean


@given(st.integers(1, 60), st.integers(1, 300), hundredths, hundredths, st.sampled_from(["fpr", "fdr"]))
def test_recall_and_false_alarms_are_met_within_half_a_row_or_refused(
    poisoned: int, clean: int, recall: float, rate: float, kind: str
) -> None:
    wanted, part = Fraction(str(recall)) * poisoned, Fraction(str(rate))
    if kind == "fdr" and part == 1:
        with pytest.raises(UserError, match="cannot have fdr: 1"):
            count_deletion(poisoned, clean, recall=recall, fdr=rate)
        return
    false_alarms = part * clean if kind == "fpr" else round(wanted) * part / (1 - part)
    if not is_feasible(wanted, false_alarms, poisoned, clean):
        with pytest.raises(UserError, match="the deletion set asks for"):
            count_deletion(poisoned, clean, recall=recall, **{kind: rate})
        return
    true, false = count_deletion(poisoned, clean, recall=recall, **{kind: rate})
    assert abs(true - wanted) <= Fraction(1, 2)
    assert abs(false - false_alarms) <= Fraction(1, 2)


@given(st.integers(1, 60), st.integers(1, 300), st.integers(0, 200), hundredths)
def test_a_size_is_met_exactly_in_either_reading_or_refused(
    poisoned: int, clean: int, size: int, rate: float
) -> None:
    for kind, total in (("fpr", clean), ("fdr", size)):
        wanted = Fraction(str(rate)) * total
        if is_feasible(size - round(wanted), wanted, poisoned, clean):
            true, false = count_deletion(poisoned, clean, size=size, **{kind: rate})
            assert true + false == size
            assert abs(false - wanted) <= Fraction(1, 2)
        else:
            with pytest.raises(UserError, match="the deletion set asks for"):
                count_deletion(poisoned, clean, size=size, **{kind: rate})


UNPOISONED_COUNTS = [
    ({"recall": 0.5}, "recall"),
    ({"recall": 0.5, "fpr": 0.1}, "recall"),
    ({"recall": 0.0, "fdr": 0.5}, "fdr"),
    ({"size": 10}, "size"),
    ({"size": 10, "fpr": 0.1}, "size"),
    ({"size": 10, "fdr": 1}, "size"),
]


@pytest.mark.parametrize(("asked", "word"), UNPOISONED_COUNTS)
def test_counts_that_have_no_meaning_without_a_poison_are_refused(asked: dict[str, float], word: str) -> None:
    with pytest.raises(
        UserError, match=f"no training row is poisoned, so a set by {word} has no meaning"
    ) as error:
        count_deletion(0, 100, **asked)
    assert "\n" not in str(error.value)


def test_false_alarms_alone_are_drawn_without_a_poison() -> None:
    assert count_deletion(0, 100, recall=0, fpr=0.1) == (0, 10)
    assert count_deletion(0, 100, recall=0) == (0, 0)
    train = tiny.chosen_rows().of("train")
    drawn = select(train, 0, recall=0, fpr=0.25)
    assert (len(drawn.rows), drawn.recall, drawn.fpr) == (14, None, 14 / 54)


# -- draws ------------------------------------------------------------------------------------------


@given(hundredths, st.integers(0, 80).map(lambda number: number / 100))
def test_the_achieved_rates_are_what_was_asked_for_within_one_row(recall: float, fpr: float) -> None:
    rows = tiny.chosen_rows()
    poisoning = POISONS["patch"](rows.of("train"), 0, tiny.IMAGE_SIZE, target="cat", count=15)
    train = apply(poisoning, rows).of("train")
    deletion = select(train, 0, recall=recall, fpr=fpr)
    chosen = np.zeros(54, dtype=bool)
    chosen[deletion.rows] = True
    assert deletion.recall == (chosen & train.is_poisoned).sum() / 15
    assert deletion.fpr == (chosen & ~train.is_poisoned).sum() / 39
    assert abs(deletion.recall - recall) < 1 / 15
    assert abs(deletion.fpr - fpr) < 1 / 39
    if chosen.any():
        assert deletion.fdr == (chosen & ~train.is_poisoned).sum() / chosen.sum()
    else:
        assert deletion.fdr is None


def test_a_larger_deletion_set_holds_every_smaller_one(train: Rows) -> None:
    smaller: set[int] = set()
    for true, false in [(0, 1), (3, 1), (3, 8), (10, 20), (15, 38)]:
        rows = draw_deletion(train, true, false, seed=1)
        assert train.is_poisoned[rows].sum() == true
        assert len(set(rows.tolist())) == true + false
        assert smaller <= set(rows.tolist())
        smaller = set(rows.tolist())


def test_two_seeds_draw_different_rows_and_one_seed_the_same(train: Rows) -> None:
    first, second, again = (select(train, seed, recall=0.5, fpr=0.2).rows.tolist() for seed in (0, 1, 0))
    assert first == again != second


def test_a_shuffle_of_the_rows_draws_the_same_ids(train: Rows) -> None:
    shuffled = train.take(np.random.default_rng(0).permutation(len(train)))
    first, second = (
        set(rows.row_id[select(rows, 0, recall=0.5, fpr=0.2).rows]) for rows in (train, shuffled)
    )
    assert first == second


def test_an_empty_deletion_set_has_no_fdr_and_finds_nothing(train: Rows) -> None:
    empty = select(train, 0, recall=0.0)
    assert (len(empty.rows), empty.recall, empty.fdr, empty.fpr) == (0, 0.0, None, 0.0)


def test_without_poisons_there_is_no_recall() -> None:
    deletion = describe(tiny.chosen_rows().of("train"), np.array([0, 1]))
    assert (deletion.recall, deletion.fdr, deletion.fpr) == (None, 1.0, 2 / 54)


def test_deleting_every_clean_row_is_refused(train: Rows) -> None:
    with pytest.raises(UserError, match="holds all 39 clean training rows; none would be left"):
        describe(train, np.flatnonzero(~train.is_poisoned))


# -- a user's own list ------------------------------------------------------------------------------


def write_list(path: Path, row_ids: list[str], column: str = "row_id") -> Path:
    table = pd.DataFrame({"note": ["odd"] * len(row_ids), column: row_ids})
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, index=False)
    return path


@pytest.mark.parametrize("name", ["flagged.csv", "flagged.parquet"])
def test_a_users_list_is_the_deletion_set(train: Rows, tmp_path: Path, name: str) -> None:
    chosen = [40, 3, 17]
    file = write_list(tmp_path / name, train.row_id[chosen].tolist())
    deletion = select(train, 0, flagged=str(file))
    assert deletion.rows.tolist() == [3, 17, 40]
    assert deletion.recall == train.is_poisoned[chosen].sum() / 15


def test_a_row_that_is_listed_twice_is_deleted_once(train: Rows) -> None:
    assert find_rows(train, [train.row_id[2], train.row_id[1], train.row_id[2]]).tolist() == [1, 2]


@pytest.mark.parametrize("name", ["flagged.csv", "flagged.parquet"])
def test_unknown_row_ids_are_refused_naming_the_first(train: Rows, tmp_path: Path, name: str) -> None:
    file = write_list(tmp_path / name, [train.row_id[0], "train/fox/000", "train/fox/001"])
    with pytest.raises(
        UserError, match=f"2 of 3 flagged rows are not .* first is 'train/fox/000'; .* '{train.row_id[0]}'"
    ):
        select(train, 0, flagged=str(file))


def test_a_test_row_cannot_be_deleted(train: Rows) -> None:
    with pytest.raises(UserError, match="the first is 'test/cat/000'"):
        find_rows(train, ["test/cat/000"])


@pytest.mark.parametrize("name", ["flagged.csv", "flagged.parquet"])
def test_an_empty_list_is_refused(train: Rows, tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="flags no row"):
        select(train, 0, flagged=str(write_list(tmp_path / name, [])))


@pytest.mark.parametrize("name", ["flagged.csv", "flagged.parquet"])
def test_row_ids_that_look_like_numbers_stay_as_they_are_written(tmp_path: Path, name: str) -> None:
    assert read_row_ids(write_list(tmp_path / name, ["007", "1e3", "NA"])) == ["007", "1e3", "NA"]


@pytest.mark.parametrize("name", ["flagged.csv", "flagged.parquet"])
def test_a_list_without_row_ids_is_refused_naming_its_columns(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=f"{name} needs one column row_id; its columns are note, id"):
        read_row_ids(write_list(tmp_path / name, ["a"], column="id"))


@pytest.mark.parametrize("name", ["flagged.csv", "flagged.parquet"])
def test_an_unreadable_list_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(UserError, match=f"{name} is not a readable CSV or Parquet file"):
        read_row_ids(tmp_path / name)


@pytest.mark.parametrize("name", ["missing.csv", "missing.parquet"])
def test_a_list_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=f"{name} is no file"):
        read_row_ids(tmp_path / name)


# -- on disk ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [{"recall": 0.5, "fpr": 0.2}, {"recall": 0.0}])
def test_a_deletion_set_comes_back_as_it_was_written(
    train: Rows, tmp_path: Path, asked: dict[str, float]
) -> None:
    deletion = select(train, 0, **asked)
    write_deletion(tmp_path / "deletion.parquet", train, deletion)
    again = read_deletion(tmp_path / "deletion.parquet")
    assert again.rows.tolist() == deletion.rows.tolist()
    assert (again.recall, again.fdr, again.fpr) == (deletion.recall, deletion.fdr, deletion.fpr)
    assert read_row_ids(tmp_path / "deletion.parquet") == train.row_id[deletion.rows].tolist()


def test_no_deletion_is_empty_and_has_no_rates() -> None:
    assert len(NO_DELETION.rows) == 0
    assert (NO_DELETION.recall, NO_DELETION.fdr, NO_DELETION.fpr) == (None, None, None)
