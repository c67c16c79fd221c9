"""The page of a repair: its success, its cost, and the use of the repaired model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from unpoison.report.estimates import Estimate
from unpoison.report.templates import filled, read

MOST_PICTURES = 400
MOST_BYTES = 6_000_000  # of all pictures; base64 in the page adds a third
FIRST = 24  # pictures that are visible before the list is unfolded
CLASSES = 12  # classes that are visible before the list is unfolded


@dataclass(frozen=True)
class ClassChange:
    """A class before and after the repair: its accuracy on clean test images, and the attack's success where known."""

    name: str
    accuracy_before: Estimate
    accuracy_after: Estimate
    attack_before: Estimate | None = None
    attack_after: Estimate | None = None


@dataclass(frozen=True)
class HeldOutCheck:
    """The estimate of the attack's success from flagged rows that were held out of the repair.

    before, after: the estimate before and after the repair; rows: number of held-out flagged rows; folds: number of
    parts in which they were held out; meaning: sentences that interpret the estimate for this repair.
    """

    before: Estimate
    after: Estimate
    rows: int
    folds: int
    meaning: str


@dataclass(frozen=True)
class FlaggedImage:
    """A flagged row: the classes predicted before and after the repair, and its picture as a WebP file."""

    path: str
    given_label: str
    before: str
    after: str
    image: bytes


@dataclass(frozen=True)
class RepairPage:
    """The content of a repair's page, as plain values.

    outcome, sentence: the result, and one sentence on it with its full stop; data: the user's name for the data;
    why_method: the reason for the choice of the method.
    accuracy: on clean test images of all classes, before and after; attack: the measured success before and after, if
    the user has triggered images; held_out: None if the check was not made.
    costs: labels with units (seconds, image passes) and values; relearning: shares of the recipe's steps for which the
    repaired model was trained further, each with the value of `relearning_of` after them; churn: share of the images
    of `churn_of` whose predicted class changed.
    loading: lines of Python; files: names and contents; caveats: sentences.
    """

    outcome: Literal["healed", "reduced", "failed", "cannot_tell"]
    sentence: str
    data: str
    method: str
    why_method: str
    accuracy: tuple[Estimate, Estimate] | None
    held_out: HeldOutCheck | None
    classes: tuple[ClassChange, ...]
    costs: tuple[tuple[str, str], ...]
    loading: str
    files: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    attack: tuple[Estimate, Estimate] | None = None
    relearning: tuple[tuple[float, Estimate], ...] = ()
    relearning_of: str = "attack success, estimated"
    churn: Estimate | None = None
    churn_of: str = "trusted images"
    flagged: tuple[FlaggedImage, ...] = ()
    caveats: tuple[str, ...] = ()


def repair_page(content: RepairPage) -> str:
    """Return the page as HTML, one file below 15 MB that needs no network.

    At most `MOST_PICTURES` flagged rows are shown, the first ones.
    """
    pictures = _with_room(content.flagged)
    return filled(
        "repair_page.html",
        title=f"Repair of {content.data}",
        style=read("page.css", "answer.css"),
        content=content,
        headline=_headline(content),
        knows_attack=any(each.attack_after for each in content.classes),
        classes=content.classes[:CLASSES],
        more_classes=content.classes[CLASSES:],
        pictures=pictures[:FIRST],
        more_pictures=pictures[FIRST:],
    )


def _headline(content: RepairPage) -> list[tuple[str, Estimate, Estimate, str]]:
    """Return the comparisons of the first screen: name, value before, value after, better direction."""
    check = content.held_out
    compared = [
        ("attack success, measured", content.attack, "lower is better"),
        ("attack success, estimated", (check.before, check.after) if check else None, "lower is better"),
        ("clean accuracy", content.accuracy, "higher is better"),
    ]
    return [(name, *pair, way) for name, pair, way in compared if pair]


def _with_room(flagged: Sequence[FlaggedImage]) -> list[FlaggedImage]:
    shown, held = [], 0
    for row in flagged[:MOST_PICTURES]:
        held += len(row.image)
        if held > MOST_BYTES:
            break
        shown.append(row)
    return shown
