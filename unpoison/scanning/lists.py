"""The lists of a scan as CSV files: suspicious rows, and the rows to train on and to leave out."""

from pathlib import Path

import numpy as np
import pandas as pd

from unpoison.files import write_table
from unpoison.scanning.finding import NOTHING, REMOVE, Finding


def suspicious_rows(finding: Finding) -> pd.DataFrame:
    """Return the rows to remove and to look at, the most suspicious first.

    Columns: path (the row id), given_label, score (0 to 1), votes (names of the detectors that accuse the row, with
    spaces between), action (remove or look), read_as (the class that the model of the left-out check predicts). Then
    for each detector `score_<name>` and `rank_<name>`, the rank of that score among all training rows (1: the most
    suspicious).
    """
    train = finding.train
    places = suspicious_places(finding)
    names = np.array(train.class_names, dtype=object)
    told: dict[str, np.ndarray] = {}
    for each in finding.accusations:
        ranks = 1 + np.argsort(np.argsort(-each.values, kind="stable"), kind="stable")
        told |= {f"score_{each.name}": each.values[places], f"rank_{each.name}": ranks[places]}
    columns = {
        "path": train.row_id[places],
        "given_label": names[train.given_label[places]],
        "score": finding.score[places].round(4),
        "votes": [" ".join(votes_for(finding, place)) for place in places.tolist()],
        "action": finding.action[places],
        "read_as": names[finding.reads[places]],
    }
    return pd.DataFrame({**columns, **told})


def suspicious_places(finding: Finding) -> np.ndarray:
    """Return the positions of the rows to remove, then of those to look at, each by descending score."""
    places = np.flatnonzero(finding.action != NOTHING)
    ids = finding.train.row_id[places].astype(str)
    return places[np.lexsort((ids, -finding.score[places], finding.action[places] != REMOVE))]


def votes_for(finding: Finding, place: int) -> list[str]:
    """Return the names of the detectors that accuse a row."""
    return [each.name for each in finding.accusations if each.flagged[place]]


def write_lists(folder: Path, finding: Finding) -> None:
    """Write suspicious.csv, clean.csv and removed.csv; the last two have the columns path and label."""
    train, removed = finding.train, finding.action == REMOVE
    write_table(folder / "suspicious.csv", suspicious_rows(finding))
    names = np.array(train.class_names, dtype=object)
    for name, chosen in (("clean.csv", ~removed), ("removed.csv", removed)):
        columns = {"path": train.row_id[chosen], "label": names[train.given_label[chosen]]}
        write_table(folder / name, pd.DataFrame(columns))
