"""The held-out check: its estimate on drawn lists with a known attack, and the rows that it holds out."""

from dataclasses import replace

import numpy as np
import pytest

from tests.tiny import rows_of_three_classes
from unpoison.contracts.verification import Verification, read_verification, write_verification
from unpoison.errors import UserError
from unpoison.held_out import CONTROLS, folds_of
from unpoison.readings import Readings
from unpoison.verification import verification_of

CLASSES = tuple(f"class {label}" for label in range(10))
FOLDS = 5


def drawn(
    seed: int,
    *,
    attack: float,
    poisons: int = 150,
    false: int = 0,
    surviving: float = 0.05,
    clean: float = 0.7,
    spread: float = 0.0,
) -> Readings:
    """Return readings of a list: poisons with label 0, false positives of all classes, and control rows.

    attack: rate at which repaired models predict a poison's label; surviving: that of the reference model;
    clean: that of both on clean rows; spread: standard deviation of the attack over the folds' models.
    """
    rng = np.random.default_rng(seed)
    label = np.concatenate([np.zeros(poisons, int), rng.integers(0, 10, false), np.repeat(np.arange(10), 50)])
    is_poison = np.arange(len(label)) < poisons
    is_flagged = np.arange(len(label)) < poisons + false
    fold = np.arange(len(label)) % FOLDS
    of_fold = np.clip(attack + spread * rng.standard_normal(FOLDS), 0, 1)
    chance = rng.random((3, len(label)))
    return Readings(
        label,
        fold,
        is_flagged,
        chance[0] < np.where(is_poison, of_fold[fold], clean - 0.1),
        chance[1] < np.where(is_poison, surviving, clean),
        chance[2] < np.where(is_poison, 0.02, 0.5),
    )


def estimate(seed: int, **how: float) -> Verification:
    return verification_of(drawn(seed, **how), CLASSES)  # type: ignore[arg-type]


@pytest.mark.parametrize("attack", [0.0, 0.05, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("false", [0, 75], ids=["no false alarm", "a third false alarms"])
def test_the_interval_holds_the_attack_and_the_estimate_is_close(attack: float, false: int) -> None:
    found = [estimate(seed, attack=attack, false=false) for seed in range(60)]
    held = np.mean([check.low - 1e-9 <= attack <= check.high + 1e-9 for check in found])
    assert held >= 0.9
    assert abs(np.mean([check.attack_success for check in found]) - attack) < 0.03


def test_false_alarms_no_longer_count_as_attack() -> None:
    found = estimate(0, attack=0.05, false=75)
    assert found.predicted_as_labelled > 0.2
    assert found.attack_success == pytest.approx(0.05, abs=0.06)
    assert found.false_alarms == pytest.approx(1 / 3, abs=0.06)


def test_an_attack_that_survives_exact_unlearning_is_not_taken_for_false_alarms() -> None:
    """If poisons were missed, the reference model predicts the labels of the others, as for clean rows."""
    found = estimate(0, attack=0.9, surviving=0.7)
    assert found.false_alarms < 0.1
    assert found.attack_success == pytest.approx(0.9, abs=0.06)


def test_folds_that_differ_widen_the_interval() -> None:
    even, uneven = (estimate(1, attack=0.5, spread=spread) for spread in (0.0, 0.25))
    assert uneven.high - uneven.low > 2 * (even.high - even.low)


def test_a_list_of_clean_rows_tells_of_no_attack() -> None:
    found = estimate(0, attack=0.0, poisons=0, false=200, clean=0.95)
    assert found.attack_success is None or found.high - found.low > 0.5
    assert found.false_alarms > 0.85


def test_the_estimate_is_written_and_read(tmp_path) -> None:
    found = estimate(0, attack=0.3, false=20)
    write_verification(tmp_path / "verified.json", found)
    again = read_verification(tmp_path / "verified.json")
    assert again.by_class.keys() == found.by_class.keys()
    assert again.attack_success == pytest.approx(found.attack_success, abs=1e-4)
    assert replace(again, attack_success=None).assumed == found.assumed


# -- the rows that are held out ---------------------------------------------------------------------------


def test_each_flagged_row_is_in_one_fold_and_controls_are_unflagged_rows_of_its_class() -> None:
    train = rows_of_three_classes(300)
    flagged = np.flatnonzero(train.given_label == 1)[:12]
    fold = folds_of(train, flagged, 5, seed=0)
    assert sorted(np.bincount(fold[flagged])) == [2, 2, 2, 3, 3]
    controls = np.setdiff1d(np.flatnonzero(fold >= 0), flagged)
    assert set(train.given_label[controls]) == {1}
    assert len(controls) == int(CONTROLS * ((train.given_label == 1).sum() - 12))


def test_folds_follow_row_ids_and_not_the_order_of_rows() -> None:
    train = rows_of_three_classes(90)
    flagged = np.arange(0, 30)
    order = np.random.default_rng(0).permutation(90)
    shuffled = train.take(order)
    moved = np.flatnonzero(np.isin(order, flagged))
    before, after = folds_of(train, flagged, 3, seed=0), folds_of(shuffled, moved, 3, seed=0)
    assert np.array_equal(before[order], after)


def test_the_rows_left_out_do_not_depend_on_the_number_of_folds() -> None:
    train = rows_of_three_classes(90)
    two, nine = (folds_of(train, np.arange(20), folds, seed=0) for folds in (2, 9))
    assert np.array_equal(two >= 0, nine >= 0)


@pytest.mark.parametrize("folds", [1, 21, True])
def test_a_bad_number_of_folds_is_refused(folds: object) -> None:
    with pytest.raises(UserError, match="folds: found"):
        folds_of(rows_of_three_classes(90), np.arange(30), folds, seed=0)  # type: ignore[arg-type]


def test_fewer_flagged_rows_than_folds_are_refused() -> None:
    with pytest.raises(UserError, match="found 3 flagged rows"):
        folds_of(rows_of_three_classes(90), np.arange(3), 5, seed=0)
