"""The verdict of a scan: the classes that look tampered with, and the rows to remove or to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from unpoison.contracts.scores import Scores
from unpoison.left_out import Judgement, Readings, judgement_of, readings_of
from unpoison.rows import Rows
from unpoison.scores import DOUBTED
from unpoison.types import Mask

REMOVED = (
    0.5  # probability of a tampered group above which a row is removed; above DOUBTED it is to be looked at
)
NOTHING, LOOK, REMOVE = "", "look", "remove"


@dataclass(frozen=True)
class ClassFinding:
    """A class: its number of rows, the predictions of the left-out check for it, and the judgement."""

    name: str
    rows: int
    readings: Readings
    judgement: Judgement


@dataclass(frozen=True)
class Accusation:
    """The accusations of a detector.

    flagged: (n,) True for rows that it accuses in at least half of the searches; values: (n,) scores of the first
    search.
    """

    name: str
    flagged: Mask
    values: np.ndarray

    def share_of(self, rows: Mask) -> float | None:
        """Return the accused share of the given rows; None if there are none."""
        return float(self.flagged[rows].mean()) if rows.any() else None


@dataclass(frozen=True)
class Finding:
    """The result of a scan for the training rows.

    score: (n,) 0 to 1, the mean probability that a row belongs to a tampered group; action: (n,) "", look or remove;
    reads: (n,) the class that the last model of the check predicts; confidence: (n,) its probability; role: (n,) the
    row's role in that check.
    """

    train: Rows
    classes: tuple[ClassFinding, ...]
    accusations: tuple[Accusation, ...]
    score: np.ndarray
    action: np.ndarray
    reads: np.ndarray
    confidence: np.ndarray
    role: np.ndarray

    @cached_property
    def tampered(self) -> tuple[ClassFinding, ...]:
        """The classes that look tampered with, by descending number of rows to remove."""
        found = [each for each in self.classes if each.judgement == "tampered"]
        return tuple(sorted(found, key=lambda each: -self.removed_of(each.name)))

    @property
    def verdict(self) -> str:
        """The verdict: `poisoned` or `no_evidence`."""
        return "poisoned" if self.tampered else "no_evidence"

    @cached_property
    def is_unsuspected(self) -> Mask:
        """(n,) True for rows of classes that the check judges as clear."""
        clear = [place for place, each in enumerate(self.classes) if each.judgement == "clear"]
        return np.isin(self.train.given_label, clear)

    def removed_of(self, name: str) -> int:
        """Return the number of rows of a class that are to be removed."""
        label = self.train.class_names.index(name)
        return int(((self.train.given_label == label) & (self.action == REMOVE)).sum())

    @property
    def control_share(self) -> float | None:
        """The share of control rows whose given label the check's models predict: their accuracy on this data."""
        total = sum((each.readings for each in self.classes), Readings())
        return total.control_as_labelled / total.control if total.control else None


def find(train: Rows, searches: Sequence[Mapping[str, Scores]], check: str) -> Finding:
    """Return the joint result of several searches.

    Args:
        train: the training rows.
        searches: one for each seed: the scores of the training rows by each detector, by its name.
        check: the name of the left-out check among the detectors.
    """
    details = [search[check].details for search in searches]
    by_search = [
        readings_of(
            told["role"],
            told["reads"] == train.given_label,
            told["learned"] > 0,
            told["apart"],
            train.given_label,
        )
        for told in details
    ]
    counts = train.count_by_class()
    classes = []
    for label, name in enumerate(train.class_names):
        of_class = [found.get(label, Readings(searches=1)) for found in by_search]
        classes.append(ClassFinding(name, counts[name], sum(of_class, Readings()), judgement_of(of_class)))
    is_tampered = np.array([each.judgement == "tampered" for each in classes])
    tampered: Mask = is_tampered[train.given_label]
    mean: np.ndarray = np.mean([search[check].values for search in searches], axis=0)
    action = np.full(len(train), NOTHING, dtype=object)
    action[tampered & (mean > DOUBTED)] = LOOK
    is_doubtful = np.array([each.judgement == "cannot tell" for each in classes])
    alike = np.mean([told["alike"] for told in details], axis=0)
    action[is_doubtful[train.given_label] & (alike > REMOVED)] = LOOK
    action[tampered & (mean > REMOVED)] = REMOVE
    return Finding(
        train,
        tuple(classes),
        tuple(_accusation(name, searches) for name in searches[0]),
        np.where(tampered, mean, np.minimum(mean, DOUBTED)),
        action,
        details[-1]["reads"],
        details[-1]["confidence"],
        details[-1]["role"],
    )


def _accusation(name: str, searches: Sequence[Mapping[str, Scores]]) -> Accusation:
    found = [search[name] for search in searches]
    flagged = [scores.flagged for scores in found if scores.flagged is not None]
    return Accusation(name, np.mean(flagged, axis=0) >= 0.5, found[0].values)


def in_words(finding: Finding) -> str:
    """Return the verdict as a sentence."""
    count = len(finding.classes)
    doubtful = [each.name for each in finding.classes if each.judgement == "cannot tell"]
    doubt = f" The check cannot tell for {_listed(doubtful)}." if doubtful else ""
    if not finding.tampered:
        return (
            f"No evidence of poisoning: none of the {count} classes holds a separate group of rows that models which "
            f"never saw them predict as another class.{doubt}"
        )
    names = _listed([each.name for each in finding.tampered])
    total = int((finding.action == REMOVE).sum())
    pooled = sum((each.readings for each in finding.tampered), Readings())
    who, looks = ("class", "looks") if len(finding.tampered) == 1 else ("classes", "look")
    return (
        f"The {who} {names} {looks} tampered with: {total} of {len(finding.train)} rows. Models that never saw the "
        f"suspected rows predict the given label for {pooled.accused_as_labelled / pooled.accused:.0%} of them, and "
        f"for {pooled.control_as_labelled / pooled.control:.0%} of other rows of the same class.{doubt}"
    )


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = [*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def summary_of(finding: Finding) -> dict[str, Any]:
    """Return the verdict as plain values: the content of `scan.json`."""
    return {
        "verdict": finding.verdict,
        "sentence": in_words(finding),
        "rows": len(finding.train),
        "classes": [each.name for each in finding.tampered],
        "suspicious": int((finding.action == REMOVE).sum()),
        "to_look_at": int((finding.action == LOOK).sum()),
        "false_alarm_rates": {
            each.name: each.share_of(finding.is_unsuspected) for each in finding.accusations
        },
        "accused": {each.name: int(each.flagged.sum()) for each in finding.accusations},
        "check": {
            each.name: {
                "rows": each.rows,
                "judgement": each.judgement,
                "ratio": [round(value, 4) for value in each.readings.ratio],
                "accused": each.readings.accused,
                "accused_as_labelled": each.readings.accused_as_labelled,
                "control": each.readings.control,
                "control_as_labelled": each.readings.control_as_labelled,
            }
            for each in finding.classes
        },
    }
