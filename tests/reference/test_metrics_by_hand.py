"""Every metric against tables of a few rows, worked out by hand."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from unpoison.answers import Answers, attacked_rows, questions, questions_by_part
from unpoison.contracts.deletion import NO_DELETION, Deletion
from unpoison.costs import Cost
from unpoison.metrics import METRICS
from unpoison.rows import NONE, Rows
from unpoison.steps.measuring import Measurement, measure, metrics_table

CAT, DOG, SHIP = 0, 1, 2
NOTHING = np.array([], dtype=np.int64)

# Ten rows: id, split, true label, given label, poisoned, trigger, target.
# The attack's target is dog, its victims are cats and ships; dogs are stamped too.
TABLE = [
    ("train/0", "train", CAT, CAT, False, NONE, NONE),
    ("train/1", "train", CAT, DOG, True, 0, NONE),
    ("train/2", "train", DOG, DOG, False, NONE, NONE),
    ("train/3", "train", SHIP, DOG, True, 0, NONE),
    ("train/4", "train", SHIP, SHIP, False, NONE, NONE),
    ("test/0", "test", CAT, CAT, False, 0, DOG),
    ("test/1", "test", CAT, CAT, False, 0, DOG),
    ("test/2", "test", DOG, DOG, False, 0, DOG),
    ("test/3", "test", SHIP, SHIP, False, 0, DOG),
    ("test/4", "test", SHIP, SHIP, False, 0, DOG),
    ("validation/0", "validation", SHIP, SHIP, False, NONE, NONE),
]


def rows_of(table: list[tuple]) -> Rows:
    row_id, split, label, given_label, is_poisoned, trigger_id, target = zip(*table, strict=True)
    return Rows(
        image=np.arange(len(table)),
        row_id=np.array(row_id, dtype=object),
        split=np.array(split, dtype=object),
        label=np.array(label),
        given_label=np.array(given_label),
        is_poisoned=np.array(is_poisoned),
        trigger_id=np.array(trigger_id),
        target=np.array(target),
        class_names=("cat", "dog", "ship"),
    )


@dataclass(frozen=True)
class Predictions:
    """Predicted classes for each part of the questions; validation rows are predicted correctly."""

    clean: np.ndarray
    adversarial: np.ndarray
    manipulated: np.ndarray
    training: np.ndarray


def answers_of(rows: Rows, predictions: Predictions) -> Answers:
    asked = questions(rows)
    predicted = np.concatenate(
        [
            predictions.training,
            predictions.manipulated,
            rows.of("validation").label,
            predictions.clean,
            predictions.adversarial,
        ]
    )
    assert [len(part) for part in questions_by_part(rows).values()] == [
        len(predictions.training),
        len(predictions.manipulated),
        (rows.split == "validation").sum(),
        len(predictions.clean),
        len(predictions.adversarial),
    ]
    unsaid = np.full(len(asked), np.nan, np.float32)
    return Answers(asked.row, asked.stamped, predicted, unsaid, unsaid, unsaid, unsaid)


def evaluate(rows: Rows, deleted: np.ndarray, predictions: Predictions) -> list[Measurement]:
    deletion = replace(NO_DELETION, rows=deleted)
    return measure(rows, answers_of(rows, predictions), deletion, None)


ROWS = rows_of(TABLE)
PREDICTIONS = Predictions(
    clean=np.array([CAT, SHIP, DOG, SHIP, SHIP]),  # wrong: test/1
    adversarial=np.array([DOG, SHIP, DOG, DOG, SHIP]),  # test/0 and test/3 obey; test/1 is another error
    manipulated=np.array([CAT, DOG]),  # train/1 is correct, train/3 still obeys the trigger
    training=np.array([CAT, DOG, CAT, SHIP, SHIP]),  # wrong among the clean rows: train/2
)


def measured(deleted: np.ndarray = NOTHING, predictions: Predictions = PREDICTIONS) -> dict[tuple, float]:
    found = list(evaluate(ROWS, deleted, predictions))
    keys = [(entry.metric, entry.class_name) for entry in found]
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, [entry.value for entry in found], strict=True))


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("clean_accuracy", {None: 4 / 5, "cat": 1 / 2, "dog": 1.0, "ship": 1.0}),
        ("worst_class_clean_accuracy", {None: 1 / 2}),
        ("adversarial_accuracy", {None: 2 / 5, "cat": 0.0, "dog": 1.0, "ship": 1 / 2}),
        ("worst_class_adversarial_accuracy", {None: 0.0}),
        ("attack_success_rate", {None: 2 / 4, "cat": 1 / 2, "ship": 1 / 2}),
        ("corrected_accuracy", {None: 1 / 2, "cat": 1.0, "ship": 0.0}),
        # stamped rows: train/1 has label dog, prediction cat; train/3 obeys. train/2 is wrong too
        ("given_label_agreement", {None: 3 / 5, "cat": 1.0, "dog": 1 / 3, "ship": 1.0}),
        ("utility_x_healed", {None: 4 / 5 * 1 / 2}),
        ("retained_accuracy", {None: 2 / 3, "cat": 1.0, "dog": 0.0, "ship": 1.0}),
    ],
)
def test_a_metric_has_its_hand_worked_values(metric: str, expected: dict[str | None, float]) -> None:
    assert {name: value for (found, name), value in measured().items() if found == metric} == expected


def test_every_metric_that_predictions_decide_is_measured() -> None:
    passes = {
        f"{kind}_passes" for kind in ("image", "forward", "gradient", "curvature", "weighted", "tuning")
    }
    costs = passes | {"unlearning_seconds", "weights_changed"}
    without_trigger = {"confused_accuracy", "unconfused_accuracy"}
    of_detectors = {"detector_auroc", "detector_average_precision"}
    of_several = {f"adversarial_accuracy_of_attack_{number}" for number in (1, 2, 3, 4)}
    of_probes = {name for name in METRICS if METRICS[name].probe}
    of_checks = {name for name in METRICS if "verification" in METRICS[name].needs}
    others = costs | without_trigger | of_detectors | of_several | of_probes | of_checks
    assert {metric for metric, _ in measured()} == set(METRICS) - others


# Three attacks on the same images: the first as above, the second turns ships into cats, and the
# third confuses dogs with cats without a trigger.
SEVERAL = rows_of(
    [
        *TABLE,
        ("test/3", "test_2", SHIP, SHIP, False, 1, CAT),
        ("test/4", "test_2", SHIP, SHIP, False, 1, CAT),
        ("test/2", "test_3", DOG, DOG, False, NONE, CAT),
        ("test/0", "test_3", CAT, CAT, False, NONE, DOG),
        ("test/1", "test_3", CAT, CAT, False, NONE, DOG),
    ]
)
SEVERAL = replace(SEVERAL, image=np.array([*range(len(TABLE)), 8, 9, 7, 5, 6]))


def test_several_attacks_are_measured_together_and_one_by_one() -> None:
    adversarial = np.append(
        PREDICTIONS.adversarial, [CAT, SHIP]
    )  # test/3 obeys the second attack, test/4 does not
    predictions = replace(PREDICTIONS, adversarial=adversarial)
    found = {
        (entry.metric, entry.class_name): entry.value for entry in evaluate(SEVERAL, NOTHING, predictions)
    }
    assert found["adversarial_accuracy", None] == 3 / 7  # counts each stamped image once
    assert found["adversarial_accuracy", "ship"] == 2 / 4
    assert found["attack_success_rate", None] == 3 / 6
    one_by_one = {key: value for key, value in found.items() if "of_attack" in key[0]}
    assert one_by_one == {
        ("adversarial_accuracy_of_attack_1", None): 2 / 5,
        ("adversarial_accuracy_of_attack_1", "cat"): 0.0,
        ("adversarial_accuracy_of_attack_1", "dog"): 1.0,
        ("adversarial_accuracy_of_attack_1", "ship"): 1 / 2,
        ("adversarial_accuracy_of_attack_2", None): 1 / 2,
        ("adversarial_accuracy_of_attack_2", "ship"): 1 / 2,
    }
    assert found["clean_accuracy", None] == 4 / 5
    assert (found["confused_accuracy", None], found["unconfused_accuracy", None]) == (2 / 3, 1.0)


# The same images; cats and ships are confused without a trigger: train/1 and train/3 have swapped labels.
CONFUSED = rows_of(
    [
        ("train/0", "train", CAT, CAT, False, NONE, NONE),
        ("train/1", "train", CAT, SHIP, True, NONE, NONE),
        ("train/2", "train", DOG, DOG, False, NONE, NONE),
        ("train/3", "train", SHIP, CAT, True, NONE, NONE),
        ("train/4", "train", SHIP, SHIP, False, NONE, NONE),
        ("test/0", "test", CAT, CAT, False, NONE, SHIP),
        ("test/1", "test", CAT, CAT, False, NONE, SHIP),
        ("test/2", "test", DOG, DOG, False, NONE, NONE),
        ("test/3", "test", SHIP, SHIP, False, NONE, CAT),
        ("test/4", "test", SHIP, SHIP, False, NONE, CAT),
    ]
)
UNSTAMPED = replace(PREDICTIONS, adversarial=NOTHING)


def test_confused_classes_are_measured_apart_from_the_rest() -> None:
    found = {
        (entry.metric, entry.class_name): entry.value for entry in evaluate(CONFUSED, NOTHING, UNSTAMPED)
    }
    shares = {key: value for key, value in found.items() if "confused" in key[0]}
    assert shares == {
        ("confused_accuracy", None): 3 / 4,
        ("confused_accuracy", "cat"): 1 / 2,
        ("confused_accuracy", "ship"): 1.0,
        ("unconfused_accuracy", None): 1.0,
        ("unconfused_accuracy", "dog"): 1.0,
    }
    assert found["corrected_accuracy", None] == 1 / 2


@pytest.mark.parametrize("rows", [CONFUSED, replace(CONFUSED, target=np.full(len(CONFUSED), NONE))])
def test_an_attack_without_a_trigger_has_no_adversarial_numbers(rows: Rows) -> None:
    metrics = {entry.metric for entry in evaluate(rows, NOTHING, UNSTAMPED)}
    assert not {metric for metric in metrics if "adversarial" in metric or "attack" in metric}
    assert ("confused_accuracy" in metrics) == (rows is CONFUSED)


def test_attack_success_leaves_the_target_class_out_and_is_not_one_minus_robust_accuracy() -> None:
    found = measured()
    assert ("attack_success_rate", "dog") not in found
    assert found["attack_success_rate", None] != 1 - found["adversarial_accuracy", None]


def test_a_target_class_alone_has_no_attack_success_rate() -> None:
    dogs = ROWS.take((ROWS.split != "test") | (ROWS.label == DOG))
    found = evaluate(dogs, NOTHING, replace(PREDICTIONS, clean=np.array([DOG]), adversarial=np.array([DOG])))
    metrics = {entry.metric for entry in found}
    assert "adversarial_accuracy" in metrics
    assert "attack_success_rate" not in metrics


def test_agreement_with_given_labels_is_of_stamped_rows_outside_the_deletion_set() -> None:
    found = measured(np.array([3]))  # train/1 has label dog; predicted cat when stamped, dog when not
    assert found["given_label_agreement", None] == 2 / 4
    assert found["given_label_agreement", "dog"] == 0.0


@pytest.mark.parametrize(
    ("deleted", "expected"),
    [
        ([], {None: 2 / 3, "cat": 1.0, "dog": 0.0, "ship": 1.0}),
        ([2], {None: 1.0, "cat": 1.0, "ship": 1.0}),  # train/2, the only wrong prediction
        ([0, 1], {None: 1 / 2, "dog": 0.0, "ship": 1.0}),
        ([1, 3], {None: 2 / 3, "cat": 1.0, "dog": 0.0, "ship": 1.0}),  # poisoned rows never count
    ],
)
def test_retained_accuracy_leaves_out_deleted_and_poisoned_rows(
    deleted: list[int], expected: dict[str | None, float]
) -> None:
    found = measured(np.array(deleted, dtype=np.int64))
    assert {
        name: value for (metric, name), value in found.items() if metric == "retained_accuracy"
    } == expected


def test_accuracy_is_against_the_true_label_and_never_the_given_one() -> None:
    obeying = Predictions(
        clean=ROWS.of("test").label,
        adversarial=np.full(5, DOG),
        manipulated=np.full(2, DOG),  # the attacker's labels
        training=ROWS.of("train").given_label,
    )
    found = measured(predictions=obeying)
    assert found["corrected_accuracy", None] == 0.0
    assert found["adversarial_accuracy", None] == 1 / 5
    assert found["attack_success_rate", None] == 1.0


def test_a_class_without_an_attack_is_not_in_the_adversarial_test() -> None:
    table = [row if row[2] != SHIP or row[1] != "test" else (*row[:5], NONE, NONE) for row in TABLE]
    rows = rows_of(table)
    assert attacked_rows(rows.of("test")).row_id.tolist() == ["test/0", "test/1", "test/2"]
    predictions = Predictions(
        PREDICTIONS.clean, np.array([CAT, DOG, DOG]), PREDICTIONS.manipulated, PREDICTIONS.training
    )
    found = {(entry.metric, entry.class_name): entry.value for entry in evaluate(rows, NOTHING, predictions)}
    assert found["adversarial_accuracy", None] == 2 / 3
    assert found["attack_success_rate", None] == 1 / 2
    assert ("adversarial_accuracy", "ship") not in found


def test_shares_of_no_rows_are_left_out() -> None:
    clean = rows_of([(*row[:2], row[2], row[2], False, NONE, NONE) for row in TABLE])
    predictions = Predictions(PREDICTIONS.clean, NOTHING, NOTHING, PREDICTIONS.training)
    found = {entry.metric for entry in evaluate(clean, NOTHING, predictions)}
    shares = {"clean_accuracy", "worst_class_clean_accuracy", "retained_accuracy", "given_label_agreement"}
    assert found == shares


def test_the_table_carries_unit_direction_and_the_achieved_rates() -> None:
    deletion = Deletion(rows=np.array([1, 2]), recall=0.5, fdr=0.5, fpr=1 / 3)
    table = metrics_table(
        [Measurement("clean_accuracy", "cat", 0.5), Measurement("image_passes", None, 92.0)], deletion
    )
    assert table == {
        "metric": ["clean_accuracy", "image_passes"],
        "class_name": ["cat", None],
        "value": [0.5, 92.0],
        "unit": ["share", "images"],
        "higher_is_better": [True, False],
        "recall": [0.5, 0.5],
        "fdr": [0.5, 0.5],
        "fpr": [1 / 3, 1 / 3],
        "size": [2, 2],
    }


def test_without_a_deletion_set_the_rates_and_the_size_are_null() -> None:
    table = metrics_table([Measurement("clean_accuracy", None, 0.5)], NO_DELETION)
    assert [table[rate] for rate in ("recall", "fdr", "fpr", "size")] == [[None]] * 4


def test_an_empty_deletion_set_has_the_size_0() -> None:
    empty = Deletion(rows=NOTHING, recall=0.0, fdr=None, fpr=0.0)
    assert metrics_table([Measurement("clean_accuracy", None, 0.5)], empty)["size"] == [0]


def test_the_detectors_numbers_and_the_cost_are_told_where_they_are_known() -> None:
    deletion = Deletion(NOTHING, None, None, None, detector_auroc=0.75, detector_average_precision=0.5)
    answers = answers_of(ROWS, PREDICTIONS)
    cost = Cost(2.5, 92, 7, 0.25, gradient_passes=20, curvature_passes=2, tuning_passes=60.5)
    found = {entry.metric: entry.value for entry in measure(ROWS, answers, deletion, cost)}
    expected = {
        "detector_auroc": 0.75,
        "detector_average_precision": 0.5,
        "unlearning_seconds": 2.5,
        "image_passes": 92.0,
        "forward_passes": 7.0,
        "gradient_passes": 20.0,
        "curvature_passes": 2.0,
        "weighted_passes": 7 + 3 * 70 + 10 * 20 + 12 * 2,
        "tuning_passes": 60.5,
        "weights_changed": 0.25,
    }
    assert {metric: found[metric] for metric in expected} == expected
    without = {entry.metric for entry in measure(ROWS, answers, NO_DELETION, None)}
    assert not without & set(expected)
    trained = {entry.metric for entry in measure(ROWS, answers, NO_DELETION, Cost(2.5, 92, 7))}
    assert "image_passes" in trained
    assert "tuning_passes" not in trained
    assert "weights_changed" not in trained  # a network trained from scratch has no original to compare with
