"""The summary of a repair: before and after by class, relearning, churn, and the retained rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unpoison.answers import Answers
from unpoison.contracts.deletion import Deletion
from unpoison.contracts.judged import Judged, Part
from unpoison.contracts.verification import Verification, as_values
from unpoison.files import write_table
from unpoison.rows import Rows
from unpoison.steps.measuring import measure
from unpoison.types import Mask

SHOWN = ("clean_accuracy", "given_label_agreement", "attack_success_rate")
PREDICTED_AS_LABELLED = "flagged_predicted_as_labelled"
WHERE = (
    ("validation", "trusted images"),
    ("clean_test", "test images"),
)  # churn is counted on the first of these that is not empty


@dataclass(frozen=True)
class HandedOver:
    """All results of a repair.

    rows: the whole table; deletion: the flagged rows; before, after: answers of the poisoned and the repaired model;
    relearned: of the repaired one after the probe `relearning`, None if it was not run; verification: the held-out
    check; costs: seconds, image_passes and forward_passes of the repair.
    """

    rows: Rows
    deletion: Deletion
    before: Answers
    after: Answers
    relearned: Answers | None
    verification: Verification
    costs: Mapping[str, float]


def summary_of(given: HandedOver) -> dict[str, Any]:
    """Return the summary as plain values; shares (0 to 1) are null if the data do not allow them.

    before, after: clean accuracy, agreement with the given labels of the retained rows, attack success rate on
    triggered images, and the share of flagged rows predicted as their given label; `by_class` the same by class.
    lost_most: the class that lost most clean accuracy, and the share; null if no class lost any.
    relearning: after a few steps of training on the retained rows. churn: the share of images whose prediction
    changed, and of which images.
    """
    before, after = (_judged(given, answers) for answers in (given.before, given.after))
    shares = [_values(given, judged) for judged in (before, after)]
    return {
        "rows": int((given.rows.split == "train").sum()),
        "flagged": len(given.deletion.rows),
        "before": shares[0],
        "after": shares[1],
        "lost_most": _lost_most(*shares),
        "relearning": _relearned(given),
        "churn": _churn(before, after),
        "cost": dict(given.costs),
        "verify": as_values(given.verification),
    }


@dataclass(frozen=True)
class Example:
    """A flagged row. given, before, after: its given label, and the predictions of both models."""

    row_id: str
    image: int
    given: str
    before: str
    after: str


def examples_of(given: HandedOver) -> list[Example]:
    """Return every flagged row with both models' predictions; those still predicted as labelled come first."""
    names, (before, after) = (
        given.rows.class_names,
        (_flagged(_judged(given, answers)) for answers in (given.before, given.after)),
    )
    order = np.argsort(after.answers.predicted != after.rows.given_label, kind="stable")
    return [
        Example(
            str(before.rows.row_id[place]),
            int(before.rows.image[place]),
            names[before.rows.given_label[place]],
            names[before.answers.predicted[place]],
            names[after.answers.predicted[place]],
        )
        for place in order.tolist()
    ]


def write_clean_list(path: str | Path, rows: Rows, deletion: Deletion) -> None:
    """Write the retained training rows as CSV: path (the row id) and label (the name of the given class)."""
    train = rows.of("train")
    retained = np.isin(np.arange(len(train)), deletion.rows, invert=True)
    names = np.array(rows.class_names, dtype=object)
    columns = {"path": train.row_id[retained], "label": names[train.given_label[retained]]}
    write_table(path, pd.DataFrame(columns))


def _judged(given: HandedOver, answers: Answers) -> Judged:
    return Judged(given.rows, answers, given.deletion)


def _flagged(judged: Judged) -> Part:
    return judged.as_trained_on.take(judged.deletion.rows)


def _is_predicted_as_labelled(part: Part) -> Mask:
    return part.answers.predicted == part.rows.given_label


def _values(given: HandedOver, judged: Judged) -> dict[str, Any]:
    """Return the shares of one model, over all classes and by class."""
    found: dict[str | None, dict[str, float | None]] = {
        name: dict.fromkeys((*SHOWN, PREDICTED_AS_LABELLED)) for name in (None, *given.rows.class_names)
    }
    for entry in measure(given.rows, judged.answers, given.deletion, None):
        if entry.metric in SHOWN:
            found[entry.class_name][entry.metric] = round(entry.value, 4)
    part = _flagged(judged)
    found[None][PREDICTED_AS_LABELLED] = _mean(_is_predicted_as_labelled(part))
    for label, name in enumerate(given.rows.class_names):
        found[name][PREDICTED_AS_LABELLED] = _mean(
            _is_predicted_as_labelled(part)[part.rows.given_label == label]
        )
    return {**found.pop(None), "by_class": found}


def _lost_most(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any] | None:
    lost = {
        name: told["clean_accuracy"] - after["by_class"][name]["clean_accuracy"]
        for name, told in before["by_class"].items()
        if told["clean_accuracy"] is not None
    }
    worst = max(lost, key=lambda name: lost[name], default=None)
    return None if worst is None or lost[worst] <= 0 else {"class": worst, "share": round(lost[worst], 4)}


def _relearned(given: HandedOver) -> dict[str, float | None] | None:
    if given.relearned is None:
        return None
    values = _values(given, _judged(given, given.relearned))
    return {name: values[name] for name in (PREDICTED_AS_LABELLED, "attack_success_rate")}


def _churn(before: Judged, after: Judged) -> dict[str, Any]:
    for name, words in WHERE:
        if len(getattr(before, name)):
            pair = [getattr(judged, name).answers.predicted for judged in (before, after)]
            return {"share": _mean(pair[0] != pair[1]), "of": words, "images": len(pair[0])}
    pair = [judged.training.answers.predicted[judged.is_retained] for judged in (before, after)]
    return {"share": _mean(pair[0] != pair[1]), "of": "retained training images", "images": len(pair[0])}


def _mean(hits: np.ndarray) -> float | None:
    return round(float(hits.mean()), 4) if len(hits) else None
