"""The content of a repair's page, from the repair's results and the images."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from unpoison.contracts.judged import Judged
from unpoison.drawing.thumbnails import thumbnails
from unpoison.handing_over import PREDICTED_AS_LABELLED, HandedOver, examples_of
from unpoison.report.estimates import Estimate
from unpoison.report.repair_page import MOST_PICTURES, ClassChange, FlaggedImage, HeldOutCheck, RepairPage
from unpoison.rows import NONE
from unpoison.scanning.page import estimate
from unpoison.types import StoredImages

Summary = Mapping[str, Any]  # as `summary_of` gives it
CLEAN, ATTACK = "clean_accuracy", "attack_success_rate"
HEALED = 0.15  # attack success: below it the page calls the model healed
WIDE = 0.5  # an interval at least this wide gives no verdict
FILES = (
    ("repaired.safetensors", "the weights, under your network's own keys"),
    ("clean.csv", "the rows to train on"),
    ("repair.json", "all numbers, by class too"),
)
LIMITS = (
    "Poisoned rows that nobody flagged still act on the model. The check does not see a second trigger.",
    "The estimate assumes that flagged rows are the attacker's images. An attack that keeps true labels breaks this.",
)
UNTESTED = "There are no test images with right labels, so the accuracy cost of the repair is unknown."


@dataclass(frozen=True)
class ToldOfRepair:
    """Facts from the config: the data's name, the method, the reason for it, how to load the weights, and settings.

    probe: the share of the recipe's steps that relearning takes, None if it was not run.
    """

    data: str
    method: str
    why: str
    loading: str
    settings: Mapping[str, str]
    probe: float | None = None


def repair_page_of(
    given: HandedOver, summary: Summary, images: StoredImages, told: ToldOfRepair, check_seconds: float
) -> RepairPage:
    """Return the content of the page.

    Args:
        images: (n, size, size, 3) of all rows of the source.
        check_seconds: the time of the held-out check's repairs and reference model.
    """
    rows = _Rows.of(given)
    attack, check = _pair(summary, ATTACK, rows.attacked), _held_out(given, summary)
    return RepairPage(
        outcome=_outcome(attack, check),
        sentence=in_words(summary, attack, check),
        data=told.data,
        method=told.method,
        why_method=told.why,
        accuracy=_pair(summary, CLEAN, rows.tested),
        held_out=check,
        classes=tuple(_classes(given, summary, rows)),
        costs=_costs(summary, check_seconds),
        loading=told.loading,
        files=FILES,
        settings=tuple(told.settings.items()),
        attack=attack,
        relearning=_relearning(summary, rows, told.probe),
        relearning_of=_of_relearning(summary),
        churn=_estimate(summary["churn"]["share"], summary["churn"]["images"]),
        churn_of=summary["churn"]["of"],
        flagged=tuple(_flagged(given, images)),
        caveats=tuple(_caveats(summary)),
    )


def in_words(summary: Summary, attack: tuple[Estimate, Estimate] | None, check: HeldOutCheck | None) -> str:
    """Return a sentence on the change of attack success, and of clean accuracy if it is known."""
    if attack is not None:
        ends = map(_percent, (one.value for one in attack))
        began = f"Attack success went from {' to '.join(ends)} of triggered images"
    elif check is not None:
        ends = map(_percent, (one.value for one in (check.before, check.after)))
        began = f"Attack success went from about {' to about '.join(ends)}"
    else:
        began = "The flagged rows hold too few poisons for an estimate of the attack that is left"
    before, after = (summary[when][CLEAN] for when in ("before", "after"))
    ended = "" if before is None else f", and clean accuracy from {100 * before:.1f} % to {100 * after:.1f} %"
    return began + ended + "."


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


@dataclass(frozen=True)
class _Rows:
    """Numbers of clean test images and of attacked images, over all classes (None) and by class."""

    tested: Mapping[str | None, int]
    attacked: Mapping[str | None, int]

    @classmethod
    def of(cls, given: HandedOver) -> "_Rows":
        judged = Judged(given.rows, given.after, given.deletion)
        attacked = judged.adversarial_test.rows
        is_counted = (attacked.label != attacked.target) & (attacked.target != NONE)
        names = given.rows.class_names
        return cls(_counts(judged.clean_test.rows.label, names), _counts(attacked.label[is_counted], names))


def _counts(labels: np.ndarray, names: tuple[str, ...]) -> dict[str | None, int]:
    return {None: len(labels), **{name: int((labels == label).sum()) for label, name in enumerate(names)}}


def _estimate(share: float | None, rows: int) -> Estimate | None:
    return None if share is None else estimate(round(share * rows), rows)


def _pair(
    summary: Summary, name: str, rows: Mapping[str | None, int], of: str | None = None
) -> tuple[Estimate, Estimate] | None:
    """Return a share before and after the repair, over all classes or of one; None if it is not known."""
    sides = [summary[when] if of is None else summary[when]["by_class"][of] for when in ("before", "after")]
    before, after = (_estimate(side[name], rows[of]) for side in sides)
    return None if before is None or after is None else (before, after)


def _held_out(given: HandedOver, summary: Summary) -> HeldOutCheck | None:
    found = given.verification
    if found.attack_success is None:
        return None
    before = _estimate(summary["before"][PREDICTED_AS_LABELLED], summary["flagged"])
    assert before is not None, "a check has flagged rows"
    after = Estimate(found.attack_success, found.low, found.high, summary["flagged"])
    meaning = (
        f"The attack is estimated to work on {_percent(after.value)} of triggered images, and on "
        f"{_percent(after.high)} at most (95 % interval). About {_percent(found.false_alarms)} of the flagged rows "
        "look like false alarms. The estimate leaves them out."
    )
    return HeldOutCheck(before, after, summary["flagged"], len(found.by_fold), meaning)


def _outcome(
    attack: tuple[Estimate, Estimate] | None, check: HeldOutCheck | None
) -> Literal["healed", "reduced", "failed", "cannot_tell"]:
    """Return the verdict: by measured attack success if there are triggered images, else by the estimate."""
    if attack is None and (check is None or check.after.high - check.after.low >= WIDE):
        return "cannot_tell"
    before, after = attack if attack is not None else (check.before, check.after)  # type: ignore[union-attr]
    if after.value < HEALED:
        return "healed"
    return "reduced" if after.value < before.value / 2 else "failed"


def _classes(given: HandedOver, summary: Summary, rows: _Rows) -> list[ClassChange]:
    found = []
    for name in given.rows.class_names:
        accuracy = _pair(summary, CLEAN, rows.tested, name)
        if accuracy is not None:
            found.append(ClassChange(name, *accuracy, *(_pair(summary, ATTACK, rows.attacked, name) or ())))
    return found


def _costs(summary: Summary, check_seconds: float) -> tuple[tuple[str, str], ...]:
    cost = summary["cost"]
    passes = cost["image_passes"] + cost["forward_passes"]
    return (
        ("seconds for the repair", f"{cost['seconds']:.0f}"),
        ("seconds for the held-out check", f"{check_seconds:.0f}"),
        ("image passes of the repair", f"{passes:,.0f}"),
    )


def _relearning(summary: Summary, rows: _Rows, probe: float | None) -> tuple[tuple[float, Estimate], ...]:
    """Return attack success, or the share of flagged rows predicted as labelled, after shares of the recipe's steps."""
    again = summary["relearning"]
    if again is None or probe is None:
        return ()
    name = ATTACK if again[ATTACK] is not None else PREDICTED_AS_LABELLED
    of = rows.attacked[None] if name == ATTACK else summary["flagged"]
    pair = (_estimate(summary["after"][name], of), _estimate(again[name], of))
    return tuple((step, each) for step, each in zip((0.0, probe), pair, strict=True) if each is not None)


def _of_relearning(summary: Summary) -> str:
    again = summary["relearning"]
    is_measured = again is not None and again[ATTACK] is not None
    return (
        "attack success on triggered images" if is_measured else "flagged rows that are predicted as labelled"
    )


def _flagged(given: HandedOver, images: StoredImages) -> list[FlaggedImage]:
    examples = examples_of(given)
    pictures = thumbnails(images, [one.image for one in examples[:MOST_PICTURES]])
    pictures += [b""] * (len(examples) - len(pictures))
    return [
        FlaggedImage(one.row_id, one.given, one.before, one.after, picture)
        for one, picture in zip(examples, pictures, strict=True)
    ]


def _caveats(summary: Summary) -> list[str]:
    lost = summary["lost_most"]
    if lost is None:
        return [*LIMITS] if summary["before"][CLEAN] is not None else [UNTESTED, *LIMITS]
    return [
        f"The class {lost['class']} lost most clean accuracy: {100 * lost['share']:.1f} points. Look at it before use.",
        *LIMITS,
    ]
