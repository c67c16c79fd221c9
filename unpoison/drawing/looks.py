"""The look of each method and detector, the same in every figure and in the report: label, colour, marker, line."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from zlib import crc32

Line = str | tuple[int, tuple[float, ...]]  # a line style of matplotlib: its name, or offset and dashes


@dataclass(frozen=True)
class Look:
    """The look of a method. Lines and markers differ as well as colours, for readers who cannot see colour."""

    label: str
    colour: str
    marker: str
    line: Line


# A hue for each family of methods, after Okabe and Ito (2008) and Tol's palettes: distinct for colour-blind readers.
BLUE, ORANGE, VERMILION, PURPLE = "#0072B2", "#E69F00", "#D55E00", "#CC79A7"
SKY, WINE, INDIGO, GREEN, BLACK = "#56B4E9", "#882255", "#332288", "#009E73", "#000000"
DENSE: Line = (0, (5.0, 1.0))

# Every shipped method and reference model, in the order of every legend.
LOOKS = {
    "oracle": Look("oracle", GREEN, "D", ":"),
    # retraining
    "retrain": Look("EU (retrain)", BLUE, "o", "-"),
    "negative_learning": Look("negative learning", BLUE, "D", ":"),
    "eu_k": Look("EU-k", BLUE, "p", "--"),
    # further training
    "finetune": Look("CF (finetune)", ORANGE, "s", "--"),
    "cf_k": Look("CF-k", ORANGE, "h", "-"),
    "l1_sparse": Look("L1-sparse", ORANGE, "d", "-."),
    # gradient ascent
    "gradient_ascent": Look("ascent", VERMILION, "^", "-"),
    "negative_gradient_plus": Look("NegGrad+", VERMILION, "v", "--"),
    "npo": Look("NPO", VERMILION, "<", "-."),
    "task_vector": Look("task vector", VERMILION, ">", ":"),
    # relabelling and distillation
    "random_labels": Look("random labels", PURPLE, "s", "-"),
    "salun": Look("SalUn", PURPLE, "P", "--"),
    "bad_teacher": Look("bad teacher", PURPLE, "v", "-."),
    "scrub": Look("SCRUB", PURPLE, "o", DENSE),
    "scrub_goel": Look("SCRUB (Goel)", PURPLE, "d", ":"),
    # dampening, or one step of the weights
    "ssd": Look("SSD", SKY, "^", "-"),
    "lfssd": Look("LFSSD", SKY, "v", "--"),
    "assd": Look("ASSD", SKY, "<", "-."),
    "potion": Look("Potion", SKY, "s", DENSE),
    "influence": Look("influence", SKY, "p", ":"),
    # redirection
    "rem": Look("REM", WINE, "*", "-"),
    # repair without a deletion set
    "fine_pruning": Look("fine-pruning", INDIGO, "o", "-"),
    "anp": Look("ANP", INDIGO, "s", "--"),
    "ibau": Look("I-BAU", INDIGO, "^", "-."),
    "do_nothing": Look("do nothing", BLACK, "X", ":"),
}
# Families of methods by their hue, in the order of figures; the references have none.
FAMILIES = {
    BLUE: "retraining",
    ORANGE: "further training",
    VERMILION: "gradient ascent",
    PURPLE: "relabelling and distillation",
    SKY: "dampening",
    WINE: "redirection",
    INDIGO: "repair by trusted rows",
}
OWN = "own methods"  # family of a user's plug-in that names none
# For entries with names of their own (`scrub_long: {method: scrub}`): stroke markers, while those above are filled.
SPARE = tuple(product(("#6B4C1F", "#8C8C8C", "#999933"), "x+1234"))


def in_order(methods: Iterable[str]) -> list[str]:
    """Return methods in the order of every legend: shipped ones first, others by name."""
    known = list(LOOKS)
    return sorted(set(methods), key=lambda name: (known.index(name) if name in known else len(known), name))


def look_of(method: str, methods: Iterable[str]) -> Look:
    """Return the look of a method, the same in every figure.

    A method without a look gets a spare one by a checksum of its name. If two of `methods` get the same one, the later
    by name takes the next.
    """
    if method in LOOKS:
        return LOOKS[method]
    colour, marker = _spare(method, {*methods, method} - set(LOOKS), SPARE)
    return Look(method, colour, marker, "-.")


def _spare(wanted: str, names: Iterable[str], spare: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    """Return the spare colour and marker of a name without a look."""
    places: dict[str, int] = {}
    for name in sorted(names):
        first = crc32(name.encode()) % len(spare)
        free = [place for place in _round(first, len(spare)) if place not in places.values()]
        places[name] = free[0] if free else first
    return spare[places[wanted]]


def _round(first: int, places: int) -> list[int]:
    """Return all positions in cyclic order, starting at `first`."""
    return [(first + step) % places for step in range(places)]


def shade(colour: str, place: int, count: int) -> str:
    """Return the shade at a position among `count` shades of a hue, from dark to light, for lines of one family."""
    way = place / (count - 1) if count > 1 else 0.4
    towards, much = (0.0, 0.5 - 1.25 * way) if way < 0.4 else (1.0, 0.7 * (way - 0.4))
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return "#" + "".join(f"{round(255 * (part + much * (towards - part))):02X}" for part in channels)


def family_of(method: str) -> str:
    """Return the family of a shipped method, and `own methods` for any other."""
    return FAMILIES.get(LOOKS[method].colour, OWN) if method in LOOKS else OWN


def families_in_order(families: Iterable[str]) -> list[str]:
    """Return families in the order of figures: the shipped ones first, others by name."""
    known = list(FAMILIES.values())
    return sorted(set(families), key=lambda name: (known.index(name) if name in known else len(known), name))


@dataclass(frozen=True)
class DetectorLook:
    """The look of a detector: its label, colour and marker."""

    label: str
    colour: str
    marker: str


# Every shipped detector, and config entries that the documentation names.
DETECTORS = {
    "activation_clustering": DetectorLook("activation clustering", BLUE, "o"),
    "confident_learning": DetectorLook("confident learning", ORANGE, "s"),
    "frequency": DetectorLook("frequency", PURPLE, "D"),
    "influence": DetectorLook("influence", INDIGO, "p"),
    "left_out": DetectorLook("left out", WINE, "h"),
    "loss": DetectorLook("loss", VERMILION, "v"),
    "early_loss": DetectorLook("early loss", VERMILION, "^"),
    "neighbour_disagreement": DetectorLook("neighbour disagreement", SKY, "X"),
    "scan": DetectorLook("SCAn", BLACK, "*"),
    "spectral_signatures": DetectorLook("spectral signatures", GREEN, "P"),
    "strip": DetectorLook("STRIP", WINE, "<"),
}
SPARE_DETECTORS = tuple(product(("#6B4C1F", "#8C8C8C", "#999933"), "dH>8"))


def detector_look(detector: str, detectors: Iterable[str]) -> DetectorLook:
    """Return the look of a detector, the same in every figure.

    An entry with a name of its own gets a spare look, as in `look_of`.

    Args:
        detector: its name.
        detectors: all names that the figure shows.
    """
    if detector in DETECTORS:
        return DETECTORS[detector]
    colour, marker = _spare(detector, {*detectors, detector} - set(DETECTORS), SPARE_DETECTORS)
    return DetectorLook(detector, colour, marker)
