"""Data as found: no poison is planted, and metrics that need unknown ground truth are left out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tiny
from matplotlib.text import Text

from unpoison.answers import Answers, attacked_rows, questions
from unpoison.attacks import in_words, plant
from unpoison.bias import draw_biased
from unpoison.contracts.deletion import NO_DELETION, Deletion
from unpoison.deletion import describe, select, write_deletion
from unpoison.deletion import in_words as deletion_in_words
from unpoison.drawing.found import draw_found
from unpoison.errors import UserError
from unpoison.plane import best_methods
from unpoison.poisons import POISONS, with_files
from unpoison.references import trained_references
from unpoison.results import AGREEMENT, CLEAN, judged_by, robust_metric
from unpoison.rows import NONE, Rows
from unpoison.scores import Scores, write_scores
from unpoison.steps.measuring import measure

LISTED = ("train/cat/000", "train/dog/003")


def found(rows: Rows, **options: str) -> Rows:
    return plant(POISONS["as_found"], rows, tiny.SEED, tiny.IMAGE_SIZE, options)


@pytest.fixture
def triggered() -> Rows:
    """The tiny data set with the second half of its test rows as triggered images."""
    rows = tiny.chosen_rows()
    split = rows.split.copy()
    split[np.flatnonzero(split == "test")[1::2]] = "triggered"
    return replace(rows, split=split)


@pytest.fixture
def truth(tmp_path: Path, clean: Rows) -> str:
    """The path of a list of two poisoned training rows, one of them twice."""
    listed = clean.of("train").row_id[[0, 25]]
    (tmp_path / "truth.csv").write_text("\n".join(["row_id", *listed, listed[0]]) + "\n")
    return str(tmp_path / "truth.csv")


def test_as_found_changes_no_row_and_knows_the_true_class_of_no_training_row(clean: Rows) -> None:
    rows = found(clean)
    assert rows.is_poisoned is None
    assert set(rows.of("train").label) == {NONE}
    for split in ("validation", "test"):
        assert rows.of(split).label.tolist() == clean.of(split).label.tolist()
    for column in ("row_id", "split", "given_label", "trigger_id", "target"):
        assert getattr(rows, column).tolist() == getattr(clean, column).tolist()
    assert in_words(rows.of("train")) == "54 training rows as found"


def test_a_list_of_poisons_leaves_the_others_clean_and_their_own_class_unknown(
    clean: Rows, truth: str
) -> None:
    rows = found(clean, truth=truth).of("train")
    assert rows.is_poisoned is not None
    assert np.flatnonzero(rows.is_poisoned).tolist() == [0, 25]
    assert (rows.label[rows.is_poisoned] == NONE).all()
    assert (rows.label == rows.given_label)[~rows.is_poisoned].all()
    assert in_words(rows) == "54 training rows as found, 2 of them listed as poisoned"


def test_a_listed_row_that_is_no_training_row_is_refused(clean: Rows, tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("row_id\ntest/cat/000\n")
    with pytest.raises(
        UserError, match="1 of 1 listed rows are not training rows of this data set, the first"
    ):
        found(clean, truth=str(tmp_path / "truth.csv"))
    with pytest.raises(UserError, match="unknown target class 'fox'"):
        found(clean, target="fox")


def test_an_option_that_names_a_file_is_looked_for_in_the_data_folder() -> None:
    given = {"truth": "mine.csv", "target": None}
    assert with_files("as_found", given, "data") == {"truth": "data/mine.csv", "target": None}
    assert with_files("as_found", {"truth": None, "target": "dog"}, "data") == {
        "truth": None,
        "target": "dog",
    }


def test_triggered_images_are_attacked_as_they_are_and_a_planted_poison_drops_them(triggered: Rows) -> None:
    attacked = attacked_rows(found(triggered, target="dog"))
    assert set(attacked.split) == {"triggered"}
    assert set(attacked.trigger_id) == {0}
    assert set(attacked.target) == {1}
    images = np.zeros((3, 3, 16, 16), np.uint8)
    assert (POISONS.module("as_found").stamp(images.copy(), attacked.trigger_id[:3]) == images).all()
    options = tiny.options_of("patch")
    planted = plant(POISONS["patch"], triggered, tiny.SEED, tiny.IMAGE_SIZE, options)
    assert not len(planted.of("triggered"))


def measured(rows: Rows, deleted: tuple[int, ...] = ()) -> dict[tuple[str, str | None], float]:
    """Return metrics; the model predicts all labels but those of the first training and attacked rows."""
    train, attacked = rows.of("train"), attacked_rows(rows)
    known = train.is_poisoned if train.is_poisoned is not None else np.zeros(len(train), dtype=bool)
    training = train.given_label.copy()
    training[0] = (training[0] + 1) % 3
    adversarial = attacked.label.copy()
    adversarial[:1] = 1
    parts = [training, training[known], rows.of("validation").label, rows.of("test").label, adversarial]
    asked = questions(rows)
    unsaid = np.full(len(asked), np.nan, np.float32)
    answers = Answers(asked.row, asked.stamped, np.concatenate(parts), unsaid, unsaid, unsaid, unsaid)
    deletion = replace(NO_DELETION, rows=np.array(deleted, dtype=np.int64))
    found = measure(rows, answers, deletion, None)
    return {(entry.metric, entry.class_name): entry.value for entry in found}


def test_without_the_truth_there_are_only_the_metrics_that_need_none(clean: Rows) -> None:
    values = measured(found(clean))
    assert {metric for metric, _ in values} == {CLEAN, "worst_class_clean_accuracy", AGREEMENT}
    assert values[AGREEMENT, None] == 53 / 54
    assert values[AGREEMENT, "cat"] == 17 / 18
    assert measured(found(clean), (0,))[AGREEMENT, None] == 1.0


def test_triggered_images_give_robust_accuracy_and_a_named_target_the_success_of_the_attack(
    triggered: Rows,
) -> None:
    metrics = {metric for metric, _ in measured(found(triggered))}
    assert {"adversarial_accuracy", "worst_class_adversarial_accuracy"} <= metrics
    assert "attack_success_rate" not in metrics
    values = measured(found(triggered, target="dog"))
    assert values["attack_success_rate", None] == 1 / 6  # one of six cats and ships is predicted dog
    assert "adversarial_accuracy_of_attack_1" not in {metric for metric, _ in values}


def test_with_a_list_clean_rows_are_measured_and_the_true_class_of_a_poison_never(
    clean: Rows, truth: str
) -> None:
    values = measured(found(clean, truth=truth))
    metrics = {metric for metric, _ in values}
    assert "retained_accuracy" in metrics
    assert not metrics & {"corrected_accuracy", "utility_x_healed"}
    assert values["retained_accuracy", None] == 1.0
    assert values[AGREEMENT, None] == 53 / 54


def test_a_set_without_test_images_has_what_needs_none(patched: SimpleNamespace) -> None:
    rows = patched.rows.take(patched.rows.split != "test")
    metrics = {metric for metric, _ in measured(rows)}
    assert metrics == {"corrected_accuracy", "retained_accuracy", AGREEMENT}


def test_deletion_sets_by_detectors_and_lists_have_no_rates(clean: Rows, tmp_path: Path) -> None:
    train, validation = (found(clean).of(split) for split in ("train", "validation"))
    scores = Scores(np.arange(len(train), dtype=float), np.zeros(len(validation)))
    write_scores(tmp_path / "scores.parquet", train, validation, scores)
    by_scores = select(train, 0, scores=str(tmp_path / "scores.parquet"), budget=3)
    pd.DataFrame({"row_id": train.row_id[:2]}).to_csv(tmp_path / "mine.csv", index=False)
    by_list = select(train, 0, flagged=str(tmp_path / "mine.csv"))
    for deletion, rows in ((by_scores, [51, 52, 53]), (by_list, [0, 1])):
        assert deletion == Deletion(rows=deletion.rows, recall=None, fdr=None, fpr=None)
        assert deletion.rows.tolist() == rows
        write_deletion(tmp_path / "deletion.parquet", train, deletion)
    assert deletion_in_words(train, by_list) == "2 rows of 54"
    with pytest.raises(UserError, match="the deletion set holds all 54 training rows"):
        describe(train, np.arange(54))


@pytest.mark.parametrize(
    "choose",
    [
        lambda train: select(train, 0, recall=0.5),
        lambda train: select(train, 0, size=4, bias="class"),
        lambda train: draw_biased(train, 1, 1, 0, bias="class"),
    ],
)
def test_sets_by_counts_are_refused_where_nobody_knows_the_truth(
    clean: Rows, choose: Callable[[Rows], object]
) -> None:
    with pytest.raises(UserError, match="needs to know which training rows are poisoned"):
        choose(found(clean).of("train"))


def test_with_a_list_sets_by_counts_are_exact_and_a_bias_by_true_class_is_refused(
    clean: Rows, truth: str
) -> None:
    train = found(clean, truth=truth).of("train")
    deletion = select(train, 0, recall=0.5, fpr=0.25)
    assert (deletion.recall, deletion.fpr) == (0.5, 13 / 52)
    with pytest.raises(UserError, match="the bias class needs the true class of every training row"):
        select(train, 0, recall=0.5, bias="class")


def results(*metrics: str, attack: str = "as found") -> pd.DataFrame:
    """Return results of two models of one seed: the trained model, and one repair."""
    lines = [
        (
            "study",
            "pair",
            "as_found",
            "net",
            0,
            deletion,
            method,
            metric,
            name,
            0.6 + 0.1 * (deletion is None),
        )
        for deletion, method in ((None, "do_nothing"), ("mine", "finetune"))
        for metric in metrics
        for name in (None, "cat", "dog")
    ]
    levels = ["study", "dataset", "poison", "training", "seed", "deletion", "method"]
    table = pd.DataFrame(lines, columns=[*levels, "metric", "class_name", "value"])
    rates = dict.fromkeys(("recall", "fdr", "fpr"), np.nan)
    table = table.assign(**rates, detector=None, unit="share", higher_is_better=True, attack=attack)
    return table.astype({"class_name": "string", "deletion": "string"})


def test_no_method_is_best_where_nothing_tells_how_far_an_attack_is_undone() -> None:
    assert robust_metric(results(CLEAN, AGREEMENT)) is None
    assert judged_by(results(CLEAN, AGREEMENT)) == [CLEAN]
    assert judged_by(results(AGREEMENT)) == [AGREEMENT]
    assert best_methods(results(CLEAN, AGREEMENT)).empty
    (line,) = best_methods(results(CLEAN, "adversarial_accuracy")).to_dict("records")
    assert (line["attack"], line["best"]) == ("as found", "do_nothing")


def test_a_planted_attack_without_test_images_has_a_best_method_and_no_clean_gain() -> None:
    table = best_methods(results("corrected_accuracy", AGREEMENT, attack="planted"))
    assert table["best"].tolist() == ["do_nothing"]
    assert table["clean_gain"].isna().all()


def test_whether_a_model_trained_is_told_by_its_agreement_where_nobody_knows_the_clean_rows() -> None:
    (line,) = trained_references(results(CLEAN, AGREEMENT)).to_dict("records")
    assert (line["method"], line["training_accuracy"], line["trained"]) == ("do_nothing", 0.7, True)
    assert trained_references(results(CLEAN, AGREEMENT, attack="planted")).empty


def test_the_picture_of_data_as_found_names_given_labels_and_nothing_else(
    stored: np.ndarray, triggered: Rows
) -> None:
    said = {text.get_text() for text in draw_found(stored, found(triggered)).findobj(Text)} - {""}
    names = {f"given: {name}" for name in tiny.CLASS_NAMES}
    assert said == {*names, "with the trigger", "54 training images as they were found"}
    without = {text.get_text() for text in draw_found(stored, found(tiny.chosen_rows())).findobj(Text)} - {""}
    assert "with the trigger" not in without
