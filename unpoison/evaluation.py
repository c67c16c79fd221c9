"""What a model is worth: one function for each metric, from predictions and labels."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64

from unpoison.costs import Cost
from unpoison.deletion import Deletion
from unpoison.metrics import METRICS
from unpoison.rows import NONE, TEST_SPLITS, TRIGGERED, Rows
from unpoison.types import Indices, Labels, Mask


@dataclass(frozen=True)
class Measurement:
    """One metric of one model, of one class or (class_name None) of all together."""

    metric: str
    class_name: str | None
    value: float


@dataclass(frozen=True)
class Predictions:
    """Predicted labels, one for each row of the tables that `evaluate` is given.

    clean: of the test images; adversarial: of the attacked test images, stamped; manipulated: of the
    poisoned training images, stamped (none where nobody knows them); training: of all training images as they
    were before the attack.
    """

    clean: Int64[Any, " tested"]
    adversarial: Int64[Any, " attacked"]
    manipulated: Int64[Any, " poisoned"]
    training: Int64[Any, " trained"]


def evaluate(rows: Rows, deleted: Indices, predictions: Predictions) -> Iterator[Measurement]:
    """All metrics of a model. Shares are between 0 and 1; those of no rows at all are left out.

    So an attack without a trigger has no adversarial accuracy and no attack success rate. Where it confuses
    classes, their own clean accuracy and that of the rest stand in for them, as in Goel et al. (2022). Training
    rows whose true class nobody knows have a given label alone.

    Args:
        rows: the whole table of the poisoned data set.
        deleted: positions of the deletion set among the training rows; empty where there is none.
    """
    train, test = rows.of("train"), rows.of("test")
    attacked = attacked_rows(rows)
    outside = np.isin(np.arange(len(train)), deleted, invert=True)
    yield from accuracy("clean_accuracy", predictions.clean, test)
    yield from worst_class("worst_class_clean_accuracy", predictions.clean, test)
    yield from accuracy("adversarial_accuracy", predictions.adversarial, attacked)
    yield from worst_class("worst_class_adversarial_accuracy", predictions.adversarial, attacked)
    yield from attack_success_rate(predictions.adversarial, attacked)
    yield from of_each_attack(predictions.adversarial, attacked)
    confused = confused_rows(rows)
    if confused.any():
        yield from accuracy("confused_accuracy", predictions.clean[confused], test.take(confused))
        yield from accuracy("unconfused_accuracy", predictions.clean[~confused], test.take(~confused))
    if train.is_poisoned is not None:
        yield from of_truth(train, train.is_poisoned, outside, predictions, test)
    yield from given_label_agreement(train, outside, predictions)


def of_truth(
    train: Rows, is_poisoned: Mask, outside: Mask, predictions: Predictions, test: Rows
) -> Iterator[Measurement]:
    """The metrics that need to know which training rows are poisoned; poisons of unknown true class are left out."""
    poisoned = train.take(is_poisoned)
    known = poisoned.label != NONE
    manipulated, poisoned = predictions.manipulated[known], poisoned.take(known)
    yield from accuracy("corrected_accuracy", manipulated, poisoned)
    yield from utility_x_healed(predictions.clean, test, manipulated, poisoned)
    retained = outside & ~is_poisoned
    yield from accuracy("retained_accuracy", predictions.training[retained], train.take(retained))


def given_label_agreement(train: Rows, outside: Mask, predictions: Predictions) -> Iterator[Measurement]:
    """Share of the training rows outside the deletion set whose GIVEN label is predicted, stamped as they were trained
    on."""
    seen = predictions.training.copy()
    if train.is_poisoned is not None:
        seen[train.is_poisoned] = predictions.manipulated
    labels = train.given_label[outside]
    yield from _shares("given_label_agreement", seen[outside] == labels, labels, train.class_names)


def attacked_rows(rows: Rows) -> Rows:
    """The adversarial test: the test rows whose class has an attack, once for each attack on it; of data as found the
    triggered images."""
    return rows.take(np.isin(rows.split, (*TEST_SPLITS, TRIGGERED)) & (rows.trigger_id != NONE))


def confused_rows(rows: Rows) -> Mask:
    """Which test rows an attack without a trigger wants to be taken for another class, as they are."""
    wanted = np.isin(rows.split, TEST_SPLITS) & (rows.trigger_id == NONE) & (rows.target != NONE)
    return np.isin(rows.of("test").image, rows.image[wanted])


def accuracy(metric: str, predicted: Labels, rows: Rows) -> Iterator[Measurement]:
    """Share of rows whose TRUE label is predicted, over all and for each class."""
    assert (rows.label != NONE).all(), f"{metric} asks for true classes that nobody knows"
    yield from _shares(metric, predicted == rows.label, rows.label, rows.class_names)


def worst_class(metric: str, predicted: Labels, rows: Rows) -> Iterator[Measurement]:
    """The lowest accuracy of a class."""
    by_class = [found.value for found in accuracy(metric, predicted, rows) if found.class_name is not None]
    if by_class:
        yield Measurement(metric, None, min(by_class))


def attack_success_rate(predicted: Labels, attacked: Rows) -> Iterator[Measurement]:
    """Share of stamped test images predicted as the attack's target, images of the target class left out.

    Images whose target nobody knows are not counted.
    """
    counted = (attacked.label != attacked.target) & (attacked.target != NONE)
    hits = (predicted == attacked.target)[counted]
    yield from _shares("attack_success_rate", hits, attacked.label[counted], attacked.class_names)


def of_each_attack(predicted: Labels, attacked: Rows) -> Iterator[Measurement]:
    """The adversarial accuracy of each of several attacks; nothing for one alone."""
    if (attacked.split != TEST_SPLITS[0]).any():
        for number, split in enumerate(TEST_SPLITS, start=1):
            of_attack = attacked.split == split
            metric = f"adversarial_accuracy_of_attack_{number}"
            yield from accuracy(metric, predicted[of_attack], attacked.take(of_attack))


def utility_x_healed(
    clean: np.ndarray, test: Rows, manipulated: np.ndarray, poisoned: Rows
) -> Iterator[Measurement]:
    """Clean accuracy times corrected accuracy: neither a broken nor an unrepaired model has much of it."""
    if len(test) and len(poisoned):
        utility = float((clean == test.label).mean())
        healed = float((manipulated == poisoned.label).mean())
        yield Measurement("utility_x_healed", None, utility * healed)


def of_detector(deletion: Deletion) -> Iterator[Measurement]:
    """What the scores are worth that a deletion set is cut from; nothing for one that comes from no detector."""
    for metric in ("detector_auroc", "detector_average_precision"):
        value = getattr(deletion, metric)
        if value is not None:
            yield Measurement(metric, None, value)


def of_cost(cost: Cost | None) -> Iterator[Measurement]:
    """The cost of making a model; nothing where it is not known."""
    if cost is not None:
        yield Measurement("unlearning_seconds", None, float(cost.seconds))
        yield Measurement("image_passes", None, float(cost.image_passes))
        yield Measurement("forward_passes", None, float(cost.forward_passes))


def _shares(
    metric: str, hits: np.ndarray, labels: Labels, class_names: tuple[str, ...]
) -> Iterator[Measurement]:
    """The share of hits over all rows and over those of each label."""
    if len(labels):
        yield Measurement(metric, None, float(hits.mean()))
    for label, name in enumerate(class_names):
        of_class = labels == label
        if of_class.any():
            yield Measurement(metric, name, float(hits[of_class].mean()))


def metrics_table(measurements: Iterable[Measurement], deletion: Deletion) -> dict[str, list[Any]]:
    """The metrics of one model as columns, with the rates that its deletion set achieved."""
    found = list(measurements)
    return {
        "metric": [entry.metric for entry in found],
        "class_name": [entry.class_name for entry in found],
        "value": [entry.value for entry in found],
        "unit": [METRICS[entry.metric].unit for entry in found],
        "higher_is_better": [METRICS[entry.metric].higher_is_better for entry in found],
        **{rate: [getattr(deletion, rate)] * len(found) for rate in ("recall", "fdr", "fpr")},
    }
