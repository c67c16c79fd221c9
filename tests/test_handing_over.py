"""The summary of a repair, checked by hand on a data set of eight rows."""

import csv

import numpy as np
import pytest

from unpoison.answers import Answers, questions
from unpoison.contracts.deletion import Deletion
from unpoison.contracts.verification import Verification
from unpoison.handing_over import HandedOver, examples_of, summary_of, write_clean_list
from unpoison.rows import NONE, Rows

GIVEN = np.array([0, 0, 1, 1, 1, 0, 1, 1])  # six training rows, two trusted ones
SPLIT = np.array(["train"] * 6 + ["validation"] * 2, dtype=object)
FLAGGED = np.array([3, 4])
BEFORE, AFTER = [0, 0, 1, 1, 1, 1, 1, 1], [0, 0, 1, 0, 1, 1, 1, 0]


def rows() -> Rows:
    nothing = np.full(8, NONE)
    ids = np.array(
        ["cat/a.png", 'cat/",\n.png', "dog/c.png", "dog/d.png", "dog/e.png", "cat/f.png", "g", "h"]
    )
    label = np.where(SPLIT == "train", NONE, GIVEN)
    return Rows(np.arange(8), ids.astype(object), SPLIT, label, GIVEN, None, nothing, nothing, ("cat", "dog"))


def answers(predicted: list[int]) -> Answers:
    asked = questions(rows())
    odds = np.zeros(8, np.float32)
    return Answers(asked.row, asked.stamped, np.array(predicted)[asked.row], *[odds] * 4)


def handed_over(relearned: list[int] | None = None) -> HandedOver:
    return HandedOver(
        rows(),
        Deletion(FLAGGED, None, None, None),
        answers(BEFORE),
        answers(AFTER),
        None if relearned is None else answers(relearned),
        Verification(0.5, 0.1, 0.9, 0.5, (0.5, 0.5), 0.0, {}),
        {"seconds": 1.0, "image_passes": 12, "forward_passes": 0},
    )


def test_shares_before_and_after_are_of_the_rows_that_they_name() -> None:
    found = summary_of(handed_over())
    assert (found["rows"], found["flagged"]) == (6, 2)
    assert (
        found["before"]["flagged_predicted_as_labelled"],
        found["after"]["flagged_predicted_as_labelled"],
    ) == (1.0, 0.5)
    assert found["after"]["given_label_agreement"] == pytest.approx(3 / 4)  # over the four retained rows
    assert found["after"]["by_class"]["cat"]["flagged_predicted_as_labelled"] is None
    assert found["after"]["by_class"]["dog"]["given_label_agreement"] == 1.0
    assert found["after"]["clean_accuracy"] is found["after"]["attack_success_rate"] is None
    assert found["verify"]["low"] == 0.1


def test_churn_is_counted_on_trusted_images_where_there_are_some() -> None:
    assert summary_of(handed_over())["churn"] == {"share": 0.5, "of": "trusted images", "images": 2}


def test_relearning_tells_whether_flagged_rows_are_predicted_as_labelled_again() -> None:
    assert summary_of(handed_over())["relearning"] is None
    again = summary_of(handed_over(BEFORE))["relearning"]
    assert again == {"flagged_predicted_as_labelled": 1.0, "attack_success_rate": None}


def test_examples_begin_with_those_that_are_still_predicted_as_labelled() -> None:
    told = [(one.row_id, one.given, one.before, one.after) for one in examples_of(handed_over())]
    assert told == [("dog/e.png", "dog", "dog", "dog"), ("dog/d.png", "dog", "dog", "cat")]


def test_the_clean_list_holds_the_other_rows_whatever_their_names(tmp_path) -> None:
    write_clean_list(tmp_path / "clean.csv", rows(), Deletion(FLAGGED, None, None, None))
    with (tmp_path / "clean.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["path", "label"]
    assert [line[0] for line in lines[1:]] == rows().row_id[[0, 1, 2, 5]].tolist()
    assert [line[1] for line in lines[1:]] == ["cat", "cat", "dog", "cat"]
