"""Suspicion scores: thresholds that flag rows, and comparison with the ground truth."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from unpoison.deletion import cut, read_deletion, select, write_deletion
from unpoison.errors import UserError
from unpoison.rows import Rows
from unpoison.scores import (
    Scores,
    auroc,
    average_precision,
    choose_flagged,
    read_scores,
    threshold,
    write_scores,
)

labelled = st.lists(
    st.tuples(st.sampled_from([-np.inf, -1.0, -1e-300, 0.0, 1 / 3, 2.0, np.inf]), st.booleans()),
    min_size=1,
    max_size=40,
)


@pytest.fixture
def train(patched: SimpleNamespace) -> Rows:
    """54 training rows of which 15 are poisoned."""
    return patched.rows.of("train")


def scored(train: Rows, **changes: object) -> Scores:
    """Return scores equal to the row number, for the training rows and six trusted rows."""
    given = {"training": np.arange(len(train), dtype=float), "validation": np.arange(6.0), "flagged": None}
    return Scores(**{**given, **changes})


@given(labelled)
def test_the_ranking_is_the_one_that_pairs_and_thresholds_count_up_to(rows: list[tuple[float, bool]]) -> None:
    scores, poisoned = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    high, low = ([score for score, is_high in rows if is_high == kind] for kind in (True, False))
    if not high:
        assert auroc(scores, poisoned) is average_precision(scores, poisoned) is None
        return
    gains = [
        (high.count(limit) / len(high), sum(score >= limit for score in high) / sum(scores >= limit))
        for limit in set(high)
    ]
    expected = sum(gain * precision for gain, precision in gains)
    assert average_precision(scores, poisoned) == pytest.approx(expected, rel=0, abs=1e-12)
    if not low:
        assert auroc(scores, poisoned) is None
        return
    won = sum((one > other) + (one == other) / 2 for one in high for other in low)
    assert auroc(scores, poisoned) == pytest.approx(won / (len(high) * len(low)), rel=0, abs=1e-12)


def test_scikit_learn_is_not_imported_with_the_module() -> None:
    program = "import sys, unpoison.deletion, unpoison.scores; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_ranking_of_five_rows_by_hand() -> None:
    scores, poisoned = np.array([4.0, 3.0, 3.0, 2.0, 1.0]), np.array([True, False, True, False, True])
    # Of six pairs of a poisoned and a clean row: 2 won by the first, 1.5 by the third, 0 by the last.
    assert auroc(scores, poisoned) == pytest.approx(3.5 / 6)
    # Thresholds 4, 3 and 1 gain a third each, at precision 1, 2/3 and 3/5.
    assert average_precision(scores, poisoned) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)


def test_the_highest_scores_are_taken_by_share_and_by_number(train: Rows) -> None:
    assert choose_flagged(train, scored(train), 0, budget=3).tolist() == [51, 52, 53]
    # A fifth of 54 rows is 10.8, rounded to 11.
    assert choose_flagged(train, scored(train), 0, top=0.2).tolist() == list(range(43, 54))


def test_rows_of_equal_scores_are_taken_by_their_ids_alone(train: Rows) -> None:
    level = Scores(np.zeros(54), np.zeros(0))
    shuffled = train.take(np.random.default_rng(0).permutation(54))
    first, again, other = (
        set(rows.row_id[choose_flagged(rows, level, seed, budget=9)])
        for rows, seed in ((train, 0), (shuffled, 0), (train, 1))
    )
    assert first == again != other
    assert first < set(train.row_id[choose_flagged(train, level, 0, budget=10)])


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(0, 100))
def test_a_threshold_accuses_no_more_trusted_rows_than_allowed(values: list[int], hundredths: int) -> None:
    trusted, share = np.array(values, float), hundredths / 100
    limit = threshold(trusted, share)
    allowed = round(share * len(trusted))
    assert (trusted > limit).sum() <= allowed
    # The next lower limit would flag too many trusted rows, unless all are allowed.
    assert allowed == len(trusted) or (trusted >= limit).sum() > allowed


def test_the_threshold_of_the_trusted_rows_is_set_on_the_training_rows(train: Rows) -> None:
    # Half of the six trusted rows may be flagged: 3, 4 and 5. So the limit is 2.
    assert choose_flagged(train, scored(train), 0, fpr_budget=0.5).tolist() == list(range(3, 54))
    assert choose_flagged(train, scored(train), 0, fpr_budget=0.0).tolist() == list(range(6, 54))


def test_without_a_cut_the_own_rule_accuses(train: Rows) -> None:
    flagged = np.isin(np.arange(54), [2, 9])
    assert choose_flagged(train, scored(train, flagged=flagged), 0).tolist() == [2, 9]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "no rule of its own"),
        ({"top": 0.1, "budget": 3}, r"cut once, .* found top: 0\.1, budget: 3"),
        ({"fpr_budget": 0.1}, "sets its threshold on validation rows, and there are none"),
    ],
)
def test_a_cut_that_cannot_be_made_is_refused(train: Rows, asked: dict[str, float], words: str) -> None:
    with pytest.raises(UserError, match=words):
        choose_flagged(train, Scores(np.zeros(54), np.zeros(0)), 0, **asked)


@pytest.mark.parametrize("flagged", [None, np.arange(54) < 3])
def test_scores_come_back_as_they_were_written(
    patched: SimpleNamespace, train: Rows, tmp_path: Path, flagged: np.ndarray | None
) -> None:
    scores = scored(train, flagged=flagged)
    write_scores(tmp_path / "scores.parquet", train, patched.rows.of("validation"), scores)
    again = read_scores(tmp_path / "scores.parquet")
    assert again.training.tolist() == scores.training.tolist()
    assert again.validation.tolist() == scores.validation.tolist()
    assert (again.flagged is None) if flagged is None else (again.flagged.tolist() == flagged.tolist())


def test_a_deletion_set_of_a_detector_knows_what_its_scores_are_worth(
    patched: SimpleNamespace, train: Rows, tmp_path: Path
) -> None:
    scores = scored(train, training=train.is_poisoned.astype(float))
    write_scores(tmp_path / "scores.parquet", train, patched.rows.of("validation"), scores)
    deletion = select(train, 0, scores=str(tmp_path / "scores.parquet"), budget=20)
    assert (deletion.recall, deletion.fdr, deletion.fpr) == (1.0, 5 / 20, 5 / 39)
    assert (deletion.detector_auroc, deletion.detector_average_precision) == (1.0, 1.0)
    write_deletion(tmp_path / "deletion.parquet", train, deletion)
    again = read_deletion(tmp_path / "deletion.parquet")
    assert vars(again) | {"rows": 0} == vars(deletion) | {"rows": 0}
    assert again.rows.tolist() == deletion.rows.tolist()


def test_a_detector_that_accuses_nobody_leaves_an_empty_deletion_set(train: Rows) -> None:
    deletion = cut(train, scored(train, flagged=np.zeros(54, bool)), 0)
    assert (len(deletion.rows), deletion.recall, deletion.fdr, deletion.fpr) == (0, 0.0, None, 0.0)
    assert deletion.detector_auroc == auroc(np.arange(54.0), train.is_poisoned)


def test_a_detector_that_accuses_every_clean_row_is_refused(train: Rows) -> None:
    with pytest.raises(UserError, match="holds all 39 clean training rows"):
        cut(train, scored(train, flagged=np.ones(54, bool)), 0)


def test_the_tiny_data_are_what_the_tests_count_on(train: Rows) -> None:
    assert (len(train), train.is_poisoned.sum(), tiny.VALIDATION) == (54, 15, 6)
