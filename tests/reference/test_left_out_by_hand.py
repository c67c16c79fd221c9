"""The left-out check on made-up features: its suspects, its groups, and the accused rows."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from planted import case, rows_of

from unpoison.contracts.evidence import Evidence
from unpoison.detectors import left_out
from unpoison.detectors._groups import group_like, places_of, suspected
from unpoison.left_out import ACCUSED, CONTROL, KEPT
from unpoison.outputs import Outputs

ROWS, CLASSES, CHANNELS = 200, 3, 6
PLANTED = 24  # rows of the first class


def made_up(distance: float, seed: int = 0) -> tuple[Outputs, np.ndarray]:
    """Return features of three classes, and a mask of the first's rows that are shifted along a new axis."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(CLASSES), ROWS)
    features = rng.normal(size=(len(labels), CHANNELS))
    features[np.arange(len(labels)), labels] += 8
    is_planted = np.arange(len(labels)) < PLANTED
    features[is_planted, CHANNELS - 1] += distance
    return Outputs(features, 5 * np.eye(CLASSES)[labels], labels), is_planted


def evidence_of(outputs: Outputs) -> Evidence:
    """Return evidence with these outputs; its images are not read."""
    real = case(rows_of("patch")).evidence
    labels = torch.from_numpy(outputs.labels)
    ids = np.array([f"row {number}" for number in range(len(labels))], dtype=object)
    training = replace(real.training, labels=labels)
    return replace(real, training=training, training_ids=ids, _stored=(outputs, outputs.take(np.arange(6))))


def log_probabilities(reads: np.ndarray) -> np.ndarray:
    return np.log(np.where(np.eye(CLASSES)[reads] > 0, 0.9, 0.05))


@pytest.fixture
def read_as(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that sets the predictions of the check's network."""

    def set_to(reads: np.ndarray) -> None:
        monkeypatch.setattr(left_out, "readings_by_new", lambda *_: log_probabilities(reads))

    return set_to


def reading(outputs: Outputs, chosen: np.ndarray) -> np.ndarray:
    """Return predictions: the given label for nine rows in ten, the next class for the chosen rows."""
    rng = np.random.default_rng(1)
    wrong = chosen | (rng.random(len(chosen)) < 0.1)
    return np.where(wrong, (outputs.labels + 1) % CLASSES, outputs.labels)


def test_a_planted_group_that_is_not_predicted_as_labelled_is_accused(read_as: Any) -> None:
    outputs, is_planted = made_up(distance=7)
    read_as(reading(outputs, is_planted))
    scores = left_out.score(evidence_of(outputs))
    assert (scores.flagged == is_planted).mean() > 0.99
    assert scores.training[is_planted].min() > scores.training[~is_planted].mean()
    assert set(scores.training[outputs.labels > 0] <= 0.5) == {True}


def test_a_natural_group_that_is_predicted_as_labelled_is_not_accused(read_as: Any) -> None:
    outputs, is_planted = made_up(distance=7)
    read_as(reading(outputs, np.zeros_like(is_planted)))
    scores = left_out.score(evidence_of(outputs))
    assert not scores.flagged.any()
    assert scores.training.max() <= 0.5
    assert scores.details["apart"][0] > 4  # it was found as a group, and examined


def test_rows_that_are_misread_without_forming_a_group_are_not_accused(read_as: Any) -> None:
    outputs, _ = made_up(distance=0)
    strange = np.random.default_rng(2).random(len(outputs.labels)) < 0.12
    read_as(reading(outputs, strange))
    assert not left_out.score(evidence_of(outputs)).flagged.any()


def test_suspected_rows_and_a_fifth_of_the_others_are_left_out() -> None:
    outputs, is_planted = made_up(distance=7)
    role = left_out.roles_of(evidence_of(outputs), places_of(outputs), 0.4, 0.2)
    assert (role[is_planted] == ACCUSED).all()
    for label in range(CLASSES):
        of_class = outputs.labels == label
        others = of_class & (role != ACCUSED)
        assert (role[others] == CONTROL).sum() == round(0.2 * others.sum())
    assert (role == KEPT).any()


def test_places_are_features_in_the_metric_of_the_variation_within_classes() -> None:
    outputs, _ = made_up(distance=3)
    places = places_of(outputs)
    means = np.stack([outputs.features[outputs.labels == label].mean(0) for label in range(CLASSES)])
    rest = outputs.features - means[outputs.labels]
    variation = sum(np.outer(each, each) for each in rest) / len(rest)
    variation += 0.001 * np.trace(variation) / CHANNELS * np.eye(CHANNELS)
    for one, other in [(0, 1), (5, 300), (250, 599)]:
        gap = outputs.features[one] - outputs.features[other]
        expected = gap @ np.linalg.solve(variation, gap)
        assert ((places[one] - places[other]) ** 2).sum() == pytest.approx(expected)


@pytest.mark.parametrize(("missed", "wrong"), [(10, 2), (4, 5)])
def test_a_group_grows_from_some_of_its_rows_and_leaves_wrong_examples_out(missed: int, wrong: int) -> None:
    outputs, is_planted = made_up(distance=7)
    of_class = outputs.labels == 0
    examples = is_planted[of_class].copy()
    examples[:missed] = False
    examples[-wrong:] = True
    group = group_like(places_of(outputs)[of_class], examples, seed=0)
    assert ((group.chance > 0.5) == is_planted[of_class]).mean() > 0.98
    assert group.apart > 4


def test_a_class_without_a_group_is_cut_at_a_short_distance() -> None:
    outputs, _ = made_up(distance=0)
    places = places_of(outputs)[outputs.labels == 1]
    found = suspected(places, 0.4, seed=0)
    assert group_like(places, found, seed=0).apart < 4
