"""The look of each method, the same in every figure and in the report: label, colour, marker and line."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from zlib import crc32

Line = str | tuple[int, tuple[float, ...]]  # a line style of matplotlib: its name, or offset and dashes


@dataclass(frozen=True)
class Look:
    """The look of a method; lines and markers differ too, for readers without colour."""

    label: str
    colour: str
    marker: str
    line: Line


# A hue for each family of methods, after Okabe and Ito (2008) and Tol's palettes: apart for colour-blind eyes.
BLUE, ORANGE, VERMILION, PURPLE = "#0072B2", "#E69F00", "#D55E00", "#CC79A7"
SKY, WINE, INDIGO, GREEN, BLACK = "#56B4E9", "#882255", "#332288", "#009E73", "#000000"
DENSE: Line = (0, (5.0, 1.0))

# Every method of the field that has a name in the config, in the order of every legend.
LOOKS = {
    "oracle": Look("oracle", GREEN, "D", ":"),
    # trained again
    "retrain": Look("EU (retrain)", BLUE, "o", "-"),
    "negative_learning": Look("negative learning", BLUE, "D", ":"),
    "eu_k": Look("EU-k", BLUE, "p", "--"),
    # trained on
    "finetune": Look("CF (finetune)", ORANGE, "s", "--"),
    "cf_k": Look("CF-k", ORANGE, "h", "-"),
    "l1_sparse": Look("L1-sparse", ORANGE, "d", "-."),
    # gradients turned round
    "gradient_ascent": Look("ascent", VERMILION, "^", "-"),
    "negative_gradient_plus": Look("NegGrad+", VERMILION, "v", "--"),
    "npo": Look("NPO", VERMILION, "<", "-."),
    "task_vector": Look("task vector", VERMILION, ">", ":"),
    # other labels, or a teacher's
    "random_labels": Look("random labels", PURPLE, "s", "-"),
    "salun": Look("SalUn", PURPLE, "P", "--"),
    "bad_teacher": Look("bad teacher", PURPLE, "v", "-."),
    "scrub": Look("SCRUB", PURPLE, "o", DENSE),
    "scrub_goel": Look("SCRUB (Goel)", PURPLE, "d", ":"),
    # weights damped or moved in one step
    "ssd": Look("SSD", SKY, "^", "-"),
    "lfssd": Look("LFSSD", SKY, "v", "--"),
    "assd": Look("ASSD", SKY, "<", "-."),
    "potion": Look("Potion", SKY, "s", DENSE),
    "influence": Look("influence", SKY, "p", ":"),
    # redirected
    "rem": Look("REM", WINE, "*", "-"),
    # repaired without a deletion set
    "fine_pruning": Look("fine-pruning", INDIGO, "o", "-"),
    "anp": Look("ANP", INDIGO, "s", "--"),
    "ibau": Look("I-BAU", INDIGO, "^", "-."),
    "do_nothing": Look("do nothing", BLACK, "X", ":"),
}
# For entries with names of their own (`scrub_long: {method: scrub}`): strokes, where the methods above have areas.
SPARE = tuple(product(("#6B4C1F", "#8C8C8C", "#999933"), "x+1234"))


def in_order(methods: Iterable[str]) -> list[str]:
    """Methods in the order of every legend: known ones first, others by name."""
    known = list(LOOKS)
    return sorted(set(methods), key=lambda name: (known.index(name) if name in known else len(known), name))


def look_of(method: str, methods: Iterable[str]) -> Look:
    """The look of a method, the same in every figure.

    A method that has none of its own gets a spare one by a digest of its name; of two in `methods` that fall on the
    same one, the later by name takes the next.
    """
    if method in LOOKS:
        return LOOKS[method]
    places: dict[str, int] = {}
    for name in sorted({*methods, method} - set(LOOKS)):
        first = crc32(name.encode()) % len(SPARE)
        free = [place for place in _round(first) if place not in places.values()]
        places[name] = free[0] if free else first
    colour, marker = SPARE[places[method]]
    return Look(method, colour, marker, "-.")


def _round(first: int) -> list[int]:
    """All places of SPARE from one on, round to the one before it."""
    return [(first + step) % len(SPARE) for step in range(len(SPARE))]
