"""Made-up content for the scan and repair pages, similar to that of a poisoned company data set."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from unpoison.drawing.thumbnails import thumbnails
from unpoison.report.estimates import Estimate
from unpoison.report.histograms import Histogram
from unpoison.report.repair_page import ClassChange, FlaggedImage, HeldOutCheck, RepairPage
from unpoison.report.scan_page import CheckedClass, DetectorSummary, ScanPage, SuspiciousRow

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TAMPERED = ("bird", "ship", "cat")
DETECTORS = ("scan", "activation_clustering", "spectral", "frequency")
LIMITS = (
    "Clean-label poisons keep the right label. The left-out check cannot tell them from clean rows.",
    "Class horse has 31 rows. The check needs 50, so horse was not checked.",
    "12 files were left out because they are no readable images: unreadable.csv lists them.",
)
SETTINGS = (
    ("network", "SmallCNN of company.py, 3 conv layers, 0.4 million weights"),
    ("recipe", "SGD, 20 epochs, batches of 128, learning rate 0.1"),
    ("accuracy reached", "71.3 % on the test images; the given weights reach 72.0 %"),
    ("time", "142 seconds on 2 cores"),
    ("version", "unpoison 0.9.0"),
    ("command", "unpoison scan company_data --model company.py:SmallCNN --weights w.safetensors --out scan"),
)
STEPS = (
    ("Look at the rows below and save your decisions. Then repair the model:",
     "unpoison repair company_data --flagged decisions.csv --model company.py:SmallCNN --out repaired"),
    ("Or train again yourself on the rows that nobody accuses:", "python train.py --data scan/clean.csv"),
)  # fmt: skip


@cache
def pictures(count: int, size: int = 16) -> tuple[bytes, ...]:
    """Return thumbnails of noise, all different."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    return tuple(thumbnails(images, range(count)))


def checked(name: str, place: int, typical: Sequence[bytes]) -> CheckedClass:
    """Return a checked class: the first three are tampered, one cannot be told, some are clear."""
    kept = Estimate(0.52 + 0.02 * place, 0.46 + 0.02 * place, 0.59 + 0.02 * place, 230)
    if name in TAMPERED:
        accused = Estimate(0.05, 0.021, 0.099, 50)
        return CheckedClass(name, 500, 50, "tampered", accused, kept, typical=tuple(typical))
    if name == "dog":
        few = Estimate(0.4, 0.17, 0.69, 10)
        return CheckedClass(
            name, 500, 10, "cannot_tell", few, kept, "Too few rows are accused.", tuple(typical)
        )
    if name in ("frog", "deer"):
        clear = Estimate(0.55, 0.44, 0.66, 75)
        return CheckedClass(name, 500, 75, "clear", clear, kept, typical=tuple(typical))
    if name == "horse":
        return CheckedClass(name, 31, 2, "cannot_tell", note="It has too few rows to ask about.")
    return CheckedClass(name, 500, 0, "clear")


def suspicious(images: Sequence[bytes], names: Sequence[str] = ()) -> tuple[SuspiciousRow, ...]:
    """Return a suspicious row for each image, from the three tampered classes and the class dog."""
    labels = (*TAMPERED, "dog")
    rows = []
    for place, image in enumerate(images):
        label = labels[place % 4] if place % 8 < 7 else "bird"
        path = names[place] if place < len(names) else f"train/{label}/IMG_{place:05d}.png"
        is_sure = label != "dog"
        score = round(1 - place / (2 * len(images)), 4)
        votes = DETECTORS[: 3 if is_sure else 1]
        read_as = CLASSES[(place * 7 + 3) % 10]
        rows.append(
            SuspiciousRow(
                path, label, score, votes, "remove" if is_sure else "look", read_as, 0.5 + score / 2.1, image
            )
        )
    return tuple(rows)


def histogram(name: str) -> Histogram:
    """Return a histogram of 30 bins: one large mode, and a small separate one in the tampered classes."""
    places = np.linspace(0, 1, 30)
    hill = 700 * np.exp(-(((places - 0.3) / 0.12) ** 2))
    small = 40 * np.exp(-(((places - 0.85) / 0.06) ** 2))
    counts = [tuple(int(count) for count in counts) for counts in (hill * 0.4 + small, hill)]
    return Histogram(name, tuple(np.linspace(0, 3, 31).tolist()), *counts, cut=2.1)


def scan(**changes: Any) -> ScanPage:
    """Return the scan page of a poisoned set, with the given changes."""
    images = pictures(96)
    content: dict[str, Any] = {
        "verdict": "poisoned",
        "sentence": "Three classes look tampered: 138 rows told bird, ship or cat show something else (95 % sure).",
        "data": "company_data",
        "classes": tuple(
            checked(name, place, images[place : place + 9]) for place, name in enumerate(CLASSES)
        ),
        "suspicious": suspicious(images),
        "detectors": (
            DetectorSummary("scan", 131, 131, Estimate(0, 0, 0.011, 3500), False, (0.62, 0.97)),
            DetectorSummary("activation_clustering", 142, 135, Estimate(0.02, 0.015, 0.026, 3500), False, (0.4, 0.9)),
            DetectorSummary("spectral", 750, None, Estimate(0.15, 0.14, 0.16, 3500), True, (0.2, 0.8)),
            DetectorSummary("frequency", 690, None, None, True),
        ),
        "agreement": ((131, 128, 98, 20), (128, 142, 97, 22), (98, 97, 750, 110), (20, 22, 110, 690)),
        "histograms": tuple(map(histogram, DETECTORS)),
        "planted_triggers": ("patch", "blend", "warp", "noise"),
        "next_steps": STEPS,
        "not_looked_at": LIMITS,
        "settings": SETTINGS,
    }  # fmt: skip
    return ScanPage(**content | changes)


def around(value: float, half: float = 0.04, rows: int = 500) -> Estimate:
    """Return an estimate with a symmetric interval, clipped to 0 to 1."""
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), rows)


def repair(**changes: Any) -> RepairPage:
    """Return the page of a successful repair, with the given changes."""
    classes = tuple(
        ClassChange(
            name,
            around(0.6 + 0.03 * place),
            around(0.58 + 0.03 * place),
            *((around(0.92), around(0.06)) if name in TAMPERED else ()),
        )
        for place, name in enumerate(CLASSES)
    )
    flagged = tuple(
        FlaggedImage(row.path, row.given_label, row.given_label, row.read_as or "", row.image or b"")
        for row in suspicious(pictures(48))
    )
    content: dict[str, Any] = {
        "outcome": "healed",
        "sentence": "The repair worked: attack success fell from 93 % to 8 %, clean accuracy by 1.8 points.",
        "data": "company_data",
        "method": "SalUn",
        "why_method": "On measured attacks with 75 to 100 % of the poisons flagged, it removes the attack at "
        "the lowest cost within 20 passes over the data.",
        "accuracy": (around(0.723, 0.01), around(0.705, 0.01)),
        "held_out": HeldOutCheck(
            around(0.93, 0.05, 131), around(0.08, 0.05, 131), 131, 5,
            "About 8 % of the poisoned images still reach the attacker's class, and at most 13 %.",
        ),
        "classes": classes,
        "costs": (("seconds on 2 cores", "41"), ("image passes", "62,000"), ("points of clean accuracy", "\u22121.8")),
        "loading": "from safetensors.torch import load_file\nmodel = SmallCNN()\n"
        "model.load_state_dict(load_file('repaired/repaired.safetensors'))",
        "files": (("repaired.safetensors", "the weights, under your own keys"), ("repair.json", "all numbers"),
                  ("clean.csv", "the rows that nobody flagged")),
        "settings": (*SETTINGS[:2], ("command", "unpoison repair company_data --flagged decisions.csv --out repaired")),
        "attack": None,
        "relearning": ((0.0, around(0.08)), (0.02, around(0.09)), (0.1, around(0.11))),
        "churn": around(0.043, 0.01),
        "flagged": flagged,
        "caveats": ("Poisoned rows that nobody flagged still act on the model. The check sees no second trigger.",),
    }  # fmt: skip
    return RepairPage(**content | changes)
