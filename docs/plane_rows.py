"""The rows on the planes in the first tables of README.md and docs/results/README.md.

`python -m docs.planes` puts them there.
"""

from collections.abc import Iterator

from docs.mission_numbers import CF, EU, SHORT, capital, contrast, lost, sure
from docs.pages import Rows
from docs.plane_tables import config_of, count, drawn, of_detectors
from unpoison.drawing.looks import detector_look
from unpoison.proportions import clopper_pearson

RUNS = ("plane", "plane_catdog", "plane_cifar10")
IMAGES = {
    "plane": "generated images",
    "plane_catdog": "cats and dogs",
    "plane_cifar10": "CIFAR-10, 16 x 16",
}
MOST = 3  # detectors that are named


def healed_at(method: str, recall: float) -> tuple[int, int]:
    """Return the seeds of all planes that a method healed without false alarms, and those with an outcome."""
    lines = [drawn(run, method, recall, 0.0) for run in RUNS]
    return sum(int(line["healed"]) for line in lines), sum(int(line["n"]) for line in lines)


def share(healed: int, n: int) -> str:
    """Return the exact interval of a share of seeds."""
    low, high = clopper_pearson(healed, n)
    return f"[{low:.2f}, {high:.2f}]"


def seeds_over_recall() -> Rows:
    """Yield the seeds healed without false alarms, over recall."""
    yield "recall", *(f"{SHORT[method]}: {images}" for method in (EU, CF) for images in IMAGES.values())
    for recall in (0.5, 0.9, 1.0):
        yield f"{recall:g}", *(count(drawn(run, method, recall, 0.0)) for method in (EU, CF) for run in RUNS)


def best_detectors() -> list[tuple[str, int, int]]:
    """Return the deletion sets of detectors that all planes have, those first with which EU heals most seeds."""
    planes = [{line["deletion"]: line for line in of_detectors(run, EU)} for run in RUNS]
    shared = set.intersection(*(set(lines) for lines in planes))
    counts = {
        name: [sum(int(lines[name][key]) for lines in planes) for key in ("healed", "n")] for name in shared
    }
    names = sorted(shared, key=lambda name: (-counts[name][0], name))
    return [(name, *counts[name]) for name in names]


def lines_of_answers() -> Iterator[str]:
    """Yield the rows on the planes in the table of docs/results/README.md."""
    below = "[table below](#seeds-healed-over-recall)"
    for method, question in {
        EU: "How many poisons must be found for EU (`retrain`)?",
        CF: "And for CF (`finetune`)?",
    }.items():
        late, last = (healed_at(method, recall) for recall in (0.9, 1.0))
        told = f"{SHORT[method]} healed {late[0]} of {late[1]} seeds at recall 0.9 and {last[0]} of {last[1]} at 1.0"
        yield f"| {question} | {told}, without false alarms | shares {share(*late)} and {share(*last)} | {below} |"
    for run in RUNS[1:]:
        for method in (EU, CF):
            row = contrast(run, "plane", f"adversarial_cost_{SHORT[method].lower()}")
            question = f"What does an FPR of 40 % cost {SHORT[method]} under attack, every poison found, {IMAGES[run]}?"
            yield f"| {question} | {capital(lost(row))} | {sure(row)} | [{IMAGES[run]}]({run}/README.md) |"
    first = best_detectors()[:MOST]
    told = capital(", ".join(f"{title(name)} {healed} of {n} seeds" for name, healed, n in first))
    shares = ", ".join(share(healed, n) for _, healed, n in first)
    yield f"| With which detectors does EU heal most seeds? | {told} | shares {shares} | each plane, below |"


def lines_of_front_page() -> Iterator[str]:
    """Yield the rows on the planes in the table of README.md."""
    told = []
    for method in (EU, CF):
        (late, n), (last, m) = (healed_at(method, recall) for recall in (0.9, 1.0))
        told.append(
            f"{SHORT[method]} healed {late} of {n} seeds with 90 % found and {last} of {m} with all found"
        )
    yield f"| How many poisons must be found? | {'; '.join(told)} |"
    named = ", ".join(f"{title(name)} {healed} of {n}" for name, healed, n in best_detectors()[:MOST])
    yield f"| With which detectors does EU heal most seeds? | {capital(named)} |"


def title(deletion: str) -> str:
    """Return the name of a deletion set's detector, and whether the detector needs the trigger."""
    config = config_of(RUNS[0])
    detector = config["deletions"][deletion]["detector"]
    shown = config["detectors"][detector].get("triggered_examples")
    return detector_look(detector, ()).label + (f" (shown {shown} triggered images)" if shown else "")
