"""The report's table of detectors: recall and false alarms of each, in words."""

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from unpoison.attack_kinds import AS_FOUND, UNPOISONED
from unpoison.false_alarms import TWIN
from unpoison.report.words import per_cent

WHERE = {"study": "study", "dataset": "data set", "poison": "poison", "training": "training"}
SCORES = {
    "recall": "recall",
    "fpr": "false alarms, poisons planted",
    "false_alarm_rate": "false alarms, nothing planted",
}


class DetectorLines(NamedTuple):
    """The headings of the columns of names and of scores, and the names and scores of each line."""

    names: list[str]
    scores: list[str]
    lines: list[tuple[list[str], list[str]]]


def detector_lines(detectors: pd.DataFrame) -> DetectorLines | None:
    """Return the table of detectors; None if it has no line.

    Data as found have no line if their poisoned rows are unknown. An unpoisoned twin has a line only if no study with
    poisons shows its false-alarm rate. A column of names with one value is left out, except for the deletion set.

    Args:
        detectors: the table of this name.
    """
    known = detectors[detectors["attack"] != AS_FOUND]
    is_control = known["attack"] == UNPOISONED
    is_told = known[TWIN].apply(tuple, axis=1).isin(set(known.loc[~is_control, TWIN].apply(tuple, axis=1)))
    shown = known[~(is_control & is_told)]
    if shown.empty:
        return None
    names = [name for name in WHERE if shown[name].nunique() > 1] + ["deletion"]
    names += ["detector"] * bool((shown["deletion"] != shown["detector"]).any())
    heads = WHERE | {"deletion": "deletion set", "detector": "detector"}
    return DetectorLines(
        [heads[name] for name in names],
        list(SCORES.values()),
        [
            ([str(row[name]) for name in names], [_told(row, score) for score in SCORES])
            for row in shown.to_dict("records")
        ],
    )


def _told(row: Mapping[Hashable, Any], score: str) -> str:
    """Return a share in per cent with its interval, or the reason why it is missing."""
    if row["attack"] == UNPOISONED and score != "false_alarm_rate":
        return "none planted"
    if pd.isna(row[score]):
        return "not measured"
    low, high = row[f"{score}_low"], row[f"{score}_high"]
    mean = per_cent(row[score])
    return (
        mean if pd.isna(low) else f"{mean} [{per_cent(low)}, {per_cent(high)}]".replace("-", "\N{MINUS SIGN}")
    )
