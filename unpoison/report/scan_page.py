"""The page of a scan: the verdict, its evidence, and the suspicious rows for a reader to keep or delete."""

import hashlib
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from unpoison.report.estimates import Estimate
from unpoison.report.histograms import Histogram, drawn
from unpoison.report.templates import filled, packed, read, script

Judgement = Literal["tampered", "clear", "cannot_tell"]
MANY = 0.1  # share of accused rows in clear classes above which a detector is marked
MOST_PICTURES = 2000
MOST_BYTES = 9_000_000  # of all pictures; base64 in the page adds a third
MOST_TYPICAL_BYTES = 1_500_000
FIRST = 6  # classes on the first screen
FIRST_IMAGES = 8
ORDER = {"tampered": 0, "cannot_tell": 1, "clear": 2}


@dataclass(frozen=True)
class CheckedClass:
    """A class of the data, with its result in the left-out check.

    rows: number of training rows; suspected: number of them that the check tests, because they are separate from the
    rest of the class. suspected_read, control_read: shares of the suspected rows, and of the control rows, whose given
    label is predicted by a model that was trained on neither (None if the class was not checked). Control rows are
    other rows of the same class. typical: WebP files of images of the class that are neither suspected nor listed;
    note: a sentence, such as the reason why the check cannot tell.
    """

    name: str
    rows: int
    suspected: int
    judgement: Judgement
    suspected_read: Estimate | None = None
    control_read: Estimate | None = None
    note: str = ""
    typical: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class SuspiciousRow:
    """A row that detectors accuse.

    score: 0 to 1, higher is more suspicious; votes: names of the detectors that accuse it; read_as, confidence: the
    class that the left-out model predicts, and its probability, None if the row was not checked; image: a WebP file,
    None for a row without a picture.
    """

    path: str
    given_label: str
    score: float
    votes: tuple[str, ...]
    action: Literal["remove", "look"]
    read_as: str | None = None
    confidence: float | None = None
    image: bytes | None = None


@dataclass(frozen=True)
class DetectorSummary:
    """The result of a detector.

    accused: number of accused rows; confirmed: number of them that the left-out check confirms, None without the check.
    false_alarms: the share that it accuses of the rows in classes that look clear, None if no class does.
    is_unreliable: True if that share is above `MANY`.
    planted: the smallest and the largest share that it finds of the rows of a planted trigger.
    """

    name: str
    accused: int
    confirmed: int | None
    false_alarms: Estimate | None
    is_unreliable: bool = False
    planted: tuple[float, float] | None = None


@dataclass(frozen=True)
class ScanPage:
    """The content of a scan's page, as plain values.

    sentence: the verdict, one sentence with its full stop; data: the user's name for the data; agreement: number of
    rows that both of two detectors accuse, a square matrix in the order of `detectors` (the diagonal: rows that each
    accuses); planted_triggers: names of the triggers of the calibration; not_looked_at: sentences on the limits of the
    scan; next_steps: texts, each with its command; settings: labels and values, such as the network, its accuracy, the
    seconds, and the command of the scan.
    """

    verdict: Literal["poisoned", "no_evidence"]
    sentence: str
    data: str
    classes: tuple[CheckedClass, ...]
    suspicious: tuple[SuspiciousRow, ...]
    detectors: tuple[DetectorSummary, ...]
    next_steps: tuple[tuple[str, str], ...]
    not_looked_at: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    agreement: tuple[tuple[int, ...], ...] = ()
    histograms: tuple[Histogram, ...] = ()
    planted_triggers: tuple[str, ...] = ()


def scan_page(content: ScanPage) -> str:
    """Return the page as HTML, one file below 15 MB that needs no network.

    The most suspicious rows have pictures, at most `MOST_PICTURES`; the others are named and are in the saved list.
    """
    rows = sorted(content.suspicious, key=lambda row: (row.action != "remove", -row.score))
    pictures = _pictures(rows)
    checked = sorted(
        (each for each in content.classes if each.suspected_read),
        key=lambda each: (ORDER[each.judgement], -each.suspected),
    )
    return filled(
        "scan_page.html",
        title=f"Scan of {content.data}",
        style=read("page.css", "answer.css"),
        content=content,
        many=MANY,
        shown=checked[:FIRST],
        folded=checked[FIRST:],
        strip=_strip([row for row, image in zip(rows, pictures, strict=True) if image]),
        unseen=pictures.count(b""),
        agreement=list(_agreement(content)),
        shown_detectors=[each.name for each in content.detectors],
        histograms=[drawn(each) for each in content.histograms],
        data=packed(json.dumps(_review(content, rows, pictures)).encode()),
        script=script(read("common.js", "review.js")),
    )


def _pictures(rows: Sequence[SuspiciousRow]) -> list[bytes]:
    """Return the picture of each row; empty for a row without a picture, and beyond the page's limits."""
    pictures: list[bytes] = []
    held = 0
    for row in rows:
        image = row.image or b""
        has_room = held + len(image) <= MOST_BYTES and len(pictures) < MOST_PICTURES
        pictures.append(image if has_room else b"")
        held += len(pictures[-1])
    return pictures


def _strip(rows: Sequence[SuspiciousRow]) -> list[SuspiciousRow]:
    """Return the rows of the first screen: the most suspicious row of each class in turn, rows to remove first."""
    places: dict[str, int] = {}
    ranked: list[tuple[bool, int, int, SuspiciousRow]] = []
    for row in rows:
        places[row.given_label] = places.get(row.given_label, -1) + 1
        ranked.append((row.action != "remove", places[row.given_label], len(ranked), row))
    return [row for *_, row in sorted(ranked, key=lambda entry: entry[:3])[:FIRST_IMAGES]]


def _agreement(content: ScanPage) -> Iterable[tuple[str, list[tuple[int, float]]]]:
    """Yield each detector with, for every detector, the number of rows that both accuse, and its share of the union."""
    counts = content.agreement
    for one, detector in enumerate(content.detectors[: len(counts)]):
        cells = []
        for other in range(len(counts)):
            either = counts[one][one] + counts[other][other] - counts[one][other]
            cells.append((counts[one][other], counts[one][other] / either if either else 0.0))
        yield detector.name, cells


def _review(content: ScanPage, rows: Sequence[SuspiciousRow], pictures: Sequence[bytes]) -> Mapping[str, Any]:
    """Return the rows for the page's script; `scan` identifies the list, so that it loads no other scan's decisions."""
    names = [row.path for row in rows], [row.given_label for row in rows], [row.action for row in rows]
    judgements = {each.name: each.judgement for each in content.classes}
    counts = Counter(row.given_label for row in rows)
    groups = sorted(
        {row.given_label for row, image in zip(rows, pictures, strict=True) if image},
        key=lambda name: (ORDER[judgements.get(name, "clear")], -counts[name], name),
    )
    return {
        "scan": hashlib.sha256(json.dumps([content.data, *names]).encode()).hexdigest()[:16],
        "classes": [{"name": name, "open": judgements.get(name) != "clear"} for name in groups],
        "typical": _typical(content.classes, groups),
        "rows": [
            [row.path, row.given_label, row.score, row.votes, row.action, row.read_as, row.confidence]
            for row in rows
        ],
        "images": [b64encode(image).decode() for image in pictures],
    }


def _typical(classes: Sequence[CheckedClass], shown: Sequence[str]) -> dict[str, list[str]]:
    """Return typical images of the shown classes, up to the page's limit."""
    images: dict[str, list[str]] = {name: [] for name in shown}
    held = 0
    by_name = {each.name: each for each in classes}
    for name in shown:
        for image in by_name[name].typical if name in by_name else ():
            held += len(image)
            if held <= MOST_TYPICAL_BYTES:
                images[name].append(b64encode(image).decode())
    return images
