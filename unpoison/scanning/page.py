"""The content of a scan's page, from the scan's result and the images."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from unpoison.drawing.thumbnails import thumbnails
from unpoison.left_out import ACCUSED, CONTROL, FEWEST, LIMIT
from unpoison.proportions import jeffreys
from unpoison.report.estimates import Estimate
from unpoison.report.histograms import Histogram
from unpoison.report.scan_page import (
    MANY,
    MOST_PICTURES,
    CheckedClass,
    DetectorSummary,
    ScanPage,
    SuspiciousRow,
)
from unpoison.scanning.finding import NOTHING, REMOVE, Accusation, ClassFinding, Finding, in_words
from unpoison.scanning.lists import suspicious_places, votes_for
from unpoison.types import StoredImages

BINS = 40
TYPICAL = 6  # typical images of a class
WORDS = {"tampered": "tampered", "clear": "clear", "cannot tell": "cannot_tell"}
NATURAL = (
    "The given label is predicted less often, but the rows form no separate group: a natural kind of image that the "
    "check left out completely."
)
STANDS_APART = "A separate group of rows, and the check cannot tell whether it is poisoned: look at it."
LIMITS = (
    "Poisons with correct labels (clean-label attacks): the check cannot tell them from clean rows, as models predict "
    "the given labels of both.",
    "A trigger that the model has not learned: its rows form no separate group.",
    "Wrong labels without a trigger: they look like poisons if they form a group.",
)


@dataclass(frozen=True)
class Told:
    """The page's content from the config.

    data: the user's name for the data; repair: the command of a repair, without its list of rows; suspicious: the
    absolute path of the scan's list; decisions: the absolute path for the reader's own list; settings: values by their
    labels; planted: the share of the rows of each planted attack that each detector accuses, by attack and detector.
    """

    data: str
    repair: str
    suspicious: Path
    decisions: Path
    settings: Mapping[str, str]
    planted: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def page_of(finding: Finding, images: StoredImages, told: Told) -> ScanPage:
    """Return the content of the page.

    Args:
        finding: the result of the scan.
        images: those of all rows of the source, (n, size, size, 3).
        told: the content from the config.
    """
    accusations = finding.accusations
    both = [[int((one.flagged & other.flagged).sum()) for other in accusations] for one in accusations]
    return ScanPage(
        verdict="poisoned" if finding.tampered else "no_evidence",
        sentence=in_words(finding),
        data=told.data,
        classes=tuple(_class(finding, each, images) for each in finding.classes),
        suspicious=tuple(_suspicious(finding, images)),
        detectors=tuple(_detector(finding, each, told.planted) for each in accusations),
        next_steps=_next_steps(finding, told),
        not_looked_at=(*_too_small(finding), *LIMITS),
        settings=tuple(told.settings.items()),
        agreement=tuple(map(tuple, both)),
        histograms=tuple(_histogram(finding, each) for each in accusations),
        planted_triggers=tuple(told.planted),
    )


def estimate(hits: int, rows: int) -> Estimate | None:
    """Return a share with its 95 % Jeffreys interval; None if there are no rows."""
    if not rows:
        return None
    low, high = jeffreys(hits, rows)
    share = hits / rows
    return Estimate(share, min(low, share), max(high, share), rows)


def _class(finding: Finding, found: ClassFinding, images: StoredImages) -> CheckedClass:
    train, read = finding.train, found.readings
    label = train.class_names.index(found.name)
    usual = np.flatnonzero(
        (train.given_label == label) & (finding.action == NOTHING) & (finding.role != ACCUSED)
    )
    shown = (
        usual[np.linspace(0, len(usual) - 1, min(TYPICAL, len(usual))).astype(int)] if len(usual) else usual
    )
    is_asked = read.accused >= FEWEST and read.control >= FEWEST
    return CheckedClass(
        found.name,
        found.rows,
        round(read.accused / max(1, read.searches)),
        WORDS[found.judgement],  # type: ignore[arg-type]
        estimate(read.accused_as_labelled, read.accused) if is_asked else None,
        estimate(read.control_as_labelled, read.control) if is_asked else None,
        _note(found),
        tuple(thumbnails(images, train.image[shown].tolist())),
    )


def _note(found: ClassFinding) -> str:
    """Return an explanation of a judgement that the chart does not make clear; empty if none is needed."""
    if found.judgement == "cannot tell":
        return STANDS_APART
    return NATURAL if found.judgement == "clear" and found.readings.ratio[2] < LIMIT else ""


def _suspicious(finding: Finding, images: StoredImages) -> list[SuspiciousRow]:
    train = finding.train
    places = suspicious_places(finding)
    pictures = thumbnails(images, train.image[places[:MOST_PICTURES]].tolist())
    rows = []
    for number, place in enumerate(places.tolist()):
        is_asked = finding.role[place] in (ACCUSED, CONTROL)
        rows.append(
            SuspiciousRow(
                str(train.row_id[place]),
                train.class_names[train.given_label[place]],
                float(finding.score[place]),
                tuple(votes_for(finding, place)),
                finding.action[place],
                train.class_names[finding.reads[place]] if is_asked else None,
                float(finding.confidence[place]) if is_asked else None,
                pictures[number] if number < len(pictures) else None,
            )
        )
    return rows


def _detector(
    finding: Finding, accusation: Accusation, planted: Mapping[str, Mapping[str, float]]
) -> DetectorSummary:
    found = [shares[accusation.name] for shares in planted.values()]
    flagged, cleared = accusation.flagged, finding.is_unsuspected
    false = estimate(int((flagged & cleared).sum()), int(cleared.sum()))
    return DetectorSummary(
        accusation.name,
        int(flagged.sum()),
        int((flagged & (finding.action == REMOVE)).sum()),
        false,
        false is not None and false.value > MANY,
        (min(found), max(found)) if found else None,
    )


def _histogram(finding: Finding, accusation: Accusation) -> Histogram:
    """Return the distribution of a detector's scores, clipped at the 0.1 % and 99.9 % quantiles."""
    values = accusation.values.astype(float)
    low, high = (float(end) for end in np.quantile(values, [0.001, 0.999]))
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    inside = np.clip(values, edges[0], edges[-1])
    chosen = ~finding.is_unsuspected
    of_groups = [np.histogram(inside[rows], edges)[0].tolist() for rows in (chosen, ~chosen)]
    return Histogram(accusation.name, tuple(edges.tolist()), tuple(of_groups[0]), tuple(of_groups[1]))


def _next_steps(finding: Finding, told: Told) -> tuple[tuple[str, str], ...]:
    """Return the repair from the reader's decisions, if there are rows to decide on, and from the scan's list."""
    if not len(suspicious_places(finding)):
        return ()
    own = (
        f"Look at the rows below, save decisions.csv and move it to the folder {told.decisions.parent}. Then repair "
        "the model. The results go to the folder repaired, below the folder that you run the command in:"
    )
    steps = [(own, _from_list(told.repair, told.decisions))]
    if (finding.action == REMOVE).any():
        from_scan = "Or repair it from the scan's list without a review:"
        steps.append((from_scan, _from_list(told.repair, told.suspicious)))
    return tuple(steps)


def _from_list(repair: str, file: Path) -> str:
    return f"{repair} --flagged {shlex.quote(str(file))}"


def _too_small(finding: Finding) -> Sequence[str]:
    """Return a sentence on the classes with too few rows for a judgement; empty if there are none."""
    small = [each.name for each in finding.classes if each.readings.control < FEWEST]
    if not small:
        return ()
    names = ", ".join(small[:5]) + (f" and {len(small) - 5} more" if len(small) > 5 else "")
    return (f"Too few rows for a judgement: {names}.",)
