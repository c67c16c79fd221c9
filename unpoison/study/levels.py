"""The levels of a study, and the names that are taken on them."""

from collections.abc import Mapping
from typing import Any

LEVELS = ("dataset", "poison", "training", "deletion", "method")
SECTIONS = {level: f"{level}s" for level in LEVELS}
PARTIAL = "partial"  # the folder of tables, figures and report of a run that is not at its end
RESERVED = {
    "dataset": ("sources", "tables", "figures", "logs", PARTIAL),
    "deletion": ("base", "oracle", "surrogate", "scores", "repaired"),
    "detector": ("deletion",),
}
REFERENCES = {"do_nothing": "base", "oracle": "oracle"}  # and the folders of their models
PREPROCESSING = ("mean", "deviation", "image_size", "features")
NOT_OPTIONS = {  # keys that no plug-in takes
    "poison": ("poison", "stamp"),
    "method": ("method", "tuning"),
    "training": ("model", "recipe", "weights", *PREPROCESSING),
}
DRAWN_ALWAYS = {"samples": "samples", "training": "training_curves"}  # of every study, and by which file


def given_options(level: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of an entry that are options of its plug-in."""
    return {key: value for key, value in entry.items() if key not in NOT_OPTIONS[level]}
