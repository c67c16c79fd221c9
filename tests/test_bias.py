"""Biased detection errors: the counts stay exact, other rows are drawn."""

from types import SimpleNamespace

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st
from planted import rows_of

from unpoison.bias import Views, draw_biased, view
from unpoison.deletion import select
from unpoison.rows import Rows

BIASES = ("class", "confidence", "similarity")
TRAIN = rows_of("patch").of("train")
POISONED, CLEAN = int(TRAIN.is_poisoned.sum()), int((~TRAIN.is_poisoned).sum())


def some_views(train: Rows) -> Views:
    """Return views that depend on the ids and not on the order of the rows."""
    rank = np.argsort(np.argsort(train.row_id)).astype(float)
    return Views(confidence=rank / len(rank), distance=len(rank) - rank)


def draw(train: Rows, true: int, false: int, bias: str, seed: int = 0) -> np.ndarray:
    return draw_biased(train, true, false, seed, bias=bias, views=some_views(train))


@given(st.integers(0, POISONED), st.integers(0, CLEAN), st.sampled_from(BIASES))
def test_the_counts_are_exact(true: int, false: int, bias: str) -> None:
    rows = draw(TRAIN, true, false, bias)
    assert len(set(rows.tolist())) == len(rows) == true + false
    assert TRAIN.is_poisoned[rows].sum() == true
    assert rows.tolist() == sorted(rows)


@pytest.mark.parametrize("bias", BIASES)
def test_the_rates_are_those_of_uniform_errors(bias: str) -> None:
    biased = select(TRAIN, 0, recall=0.5, fpr=0.25, bias=bias, views=some_views(TRAIN))
    uniform = select(TRAIN, 0, recall=0.5, fpr=0.25)
    assert (biased.recall, biased.fdr, biased.fpr) == (uniform.recall, uniform.fdr, uniform.fpr)
    assert biased.rows.tolist() != uniform.rows.tolist()


@pytest.mark.parametrize("bias", BIASES)
def test_a_larger_set_holds_every_smaller_one_whatever_the_order_of_the_rows(bias: str) -> None:
    shuffled = TRAIN.take(np.random.default_rng(0).permutation(len(TRAIN)))
    smaller: set[str] = set()
    for true, false in ((1, 3), (2, 3), (4, 15), (POISONED, CLEAN)):
        ids = set(TRAIN.row_id[draw(TRAIN, true, false, bias)])
        assert ids == set(shuffled.row_id[draw(shuffled, true, false, bias)])
        assert smaller <= ids
        smaller = ids


def test_the_least_confident_clean_rows_are_accused_and_the_least_confident_poisons_missed() -> None:
    confidence = some_views(TRAIN).confidence
    chosen = np.isin(np.arange(len(TRAIN)), draw(TRAIN, 3, 5, "confidence"))
    clean, poisoned = ~TRAIN.is_poisoned, TRAIN.is_poisoned
    assert confidence[chosen & clean].max() < confidence[~chosen & clean].min()
    assert confidence[chosen & poisoned].min() > confidence[~chosen & poisoned].max()


def test_the_clean_rows_nearest_to_the_poisons_are_accused_and_the_farthest_poisons_missed() -> None:
    distance = some_views(TRAIN).distance
    chosen = np.isin(np.arange(len(TRAIN)), draw(TRAIN, 3, 5, "similarity"))
    for kind in (TRAIN.is_poisoned, ~TRAIN.is_poisoned):
        assert distance[chosen & kind].max() < distance[~chosen & kind].min()


def test_the_smallest_class_bears_the_errors() -> None:
    train = rows_of("wrong labels", {"cat": 6, "dog": 18, "ship": 18}, validation=0).of("train")
    small, clean, poisoned = train.label == 0, ~train.is_poisoned, train.is_poisoned
    accused, found = np.zeros(len(train)), np.zeros(len(train))
    for seed in range(300):
        rows = draw(train, 3, 8, "class", seed)
        chosen = np.isin(np.arange(len(train)), rows)
        accused += chosen & clean
        found += chosen & poisoned
    # The weight is four. Draws are without replacement, so the ratio of frequencies is a little smaller.
    assert 2.5 < accused[clean & small].mean() / accused[clean & ~small].mean() < 4
    assert 0.25 < found[poisoned & small].mean() / found[poisoned & ~small].mean() < 0.6


def test_a_view_by_hand() -> None:
    train = TRAIN.take(
        np.concatenate([np.flatnonzero(TRAIN.is_poisoned)[:2], np.flatnonzero(~TRAIN.is_poisoned)[:1]])
    )
    features = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 3.0]])
    logits = np.log(np.full((3, 3), 0.25))
    logits[np.arange(3), train.given_label] = np.log(0.5)
    views = view(train, features, logits)
    assert views.confidence.tolist() == pytest.approx([0.5] * 3)
    assert views.distance.tolist() == pytest.approx([1, 1, 3])  # the mean of the poisoned rows is (1, 0)


def test_distances_are_from_the_nearest_kind_of_poison(poisoned_data) -> None:
    swapped: SimpleNamespace = poisoned_data("corner_swap")
    train = swapped.rows.of("train")
    features = np.where(train.trigger_id == 0, 10.0, -10.0)[:, None]
    views = view(train, features, np.zeros((len(train), 3)))
    assert views.distance[train.is_poisoned].tolist() == pytest.approx([0] * train.is_poisoned.sum())


@pytest.mark.parametrize("bias", ["class", "confidence"])
def test_false_alarms_are_biased_without_a_poison(bias: str) -> None:
    """An unpoisoned set has no poisons to be near to; false alarms still depend on class and confidence."""
    train = tiny.chosen_rows().of("train")
    rng = np.random.default_rng(0)
    views = view(train, rng.normal(size=(len(train), 4)), rng.normal(size=(len(train), 3)))
    assert np.isinf(views.distance).all()
    rows = draw_biased(train, 0, 10, 0, bias=bias, views=views)
    assert len(rows) == 10
    if bias == "confidence":
        assert views.confidence[rows].max() <= np.delete(views.confidence, rows).min()
