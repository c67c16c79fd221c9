"""The sections of a config: their reserved names, and the keys that are not options of a plug-in."""

from collections.abc import Mapping
from typing import Any

from unpoison.levels import LEVELS

SECTIONS = {level: f"{level}s" for level in LEVELS}
PARTIAL = "partial"  # the folder of tables, figures and report of an unfinished run
RESERVED = {
    "dataset": ("sources", "tables", "figures", "logs", "repairs", "scans", PARTIAL),
    "deletion": ("base", "oracle", "surrogate", "scores", "repaired"),
    "detector": ("deletion",),
}
DRAWN_ALWAYS = {
    "samples": "samples",
    "training": "training_curves",
}  # figures of every study, and the file that draws each
PREPROCESSING = ("mean", "deviation", "image_size", "features")
# Keys that no plug-in takes. A level's own name is the key that names the plug-in.
NOT_OPTIONS = {
    "source": ("source", "image_size", "resize", "interpolation", "suspect"),
    "poison": ("poison", "stamp", "avoid"),
    "training": ("model", "recipe", "weights", *PREPROCESSING),
    "detector": ("detector", "triggered_examples"),
    "method": ("method", "tuning", "budget"),
    "figure": ("figure", "studies"),
}


def given_options(level: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of an entry that are options of its plug-in."""
    return {key: value for key, value in entry.items() if key not in NOT_OPTIONS[level]}
