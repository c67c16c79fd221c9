"""The recall at which a method begins to heal: R50 and R90, from the outcomes of the seeds."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from unpoison.columns import TABLES
from unpoison.interval_censoring import Bracket, Estimate, NormalLaw
from unpoison.levels import PLACE
from unpoison.results import ENOUGH
from unpoison.statistics import varied_keys

RECALL, FPR = "deletion.recall", "deletion.fpr"
CONSTANT = 0.005  # achieved FPRs that differ by less count as equal, since counts of rows are rounded


def recall_thresholds(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return R50 and R90 of each method, at each FPR, of each study that varies `deletion.recall`.

    Each seed gives a bracket of achieved recalls that contains its threshold. A normal distribution of thresholds is
    fitted to the brackets (`NormalLaw`); R50 and R90 are its quantiles, with 95 % intervals from ENOUGH seeds on. Sets
    without a poison carry no information on the threshold and are left out, as are seeds without an outcome.

    Args:
        outcomes: the table `outcomes`; its rows of single classes are not used.
    """
    columns = TABLES["recall_thresholds"].columns
    varied = [name for name in varied_keys(outcomes) if name not in (RECALL, FPR)]
    rows = outcomes.reindex(columns=[*dict.fromkeys([*outcomes.columns, RECALL, FPR])])
    is_set = rows["class_name"].isna() & rows["deletion"].notna() & rows[RECALL].notna()
    rows = rows[is_set & (rows["recall"] > 0)]
    # Variants of a deletion set share its entry; the columns of the varied keys distinguish them.
    rows = rows.assign(deletion_entry=rows["deletion"].astype("string").str.split("@").str[0])
    rows[FPR] = rows[FPR].astype("float64")
    key = [*PLACE, "deletion_entry", "method", FPR, *varied]
    lines = [
        {**dict(zip(key, place, strict=True)), "fpr": _fpr(group), **threshold(group)}
        for place, group in rows.groupby(key, dropna=False)
    ]
    table = pd.DataFrame(lines, columns=[*columns, *varied])
    kept = {name: outcomes[name].dtype for name in varied}
    return table.astype({**{name: column.dtype for name, column in columns.items()}, **kept})


def _fpr(rows: pd.DataFrame) -> float | None:
    """Return the FPR that the study asked for; else the achieved FPR if all sets share it, None if they differ."""
    asked = rows[FPR].iloc[0]
    if pd.notna(asked):
        return float(asked)
    return float(rows["fpr"].mean()) if np.ptp(rows["fpr"].to_numpy(float)) < CONSTANT else None


def threshold(rows: pd.DataFrame) -> dict[str, Any]:
    """Return R50 and R90 of one method, with the numbers of seeds and trainings, and a note on missing values.

    Args:
        rows: outcomes of one method; columns seed, recall (achieved), healed, undefined.
    """
    known = rows[rows["healed"].notna()]
    brackets = dict(seed_brackets(known))
    counts = {
        "n": len(brackets),
        "trainings": len(known),
        "lowest": known["recall"].min(),
        "highest": known["recall"].max(),
        "always_healed": sum(low == -np.inf for low, _ in brackets.values()),
        "never_healed": sum(high == np.inf for _, high in brackets.values()),
    }
    if not brackets:
        return {**counts, "note": "no outcome: " + "; ".join(sorted(set(rows["undefined"].dropna())))}
    law = NormalLaw(brackets.values())
    found = {name: law.quantile(share) for name, share in (("r50", 0.5), ("r90", 0.9))}
    if len(brackets) < ENOUGH:
        found = {name: Estimate(estimate.value, None, None) for name, estimate in found.items()}
    line = {**counts, "sd": law.sd, "note": _note(counts, law, found)}
    for name, estimate in found.items():
        line |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return line


def seed_brackets(rows: pd.DataFrame) -> Iterator[tuple[int, Bracket]]:
    """Yield for each seed the bracket (low, high] of its threshold.

    low is the highest recall that did not heal, high the lowest above it that did. If a seed is healed at a recall and
    not at a higher one, the higher one counts.

    Args:
        rows: outcomes of one method, none of them undefined; columns seed, recall (achieved), healed.
    """
    for seed, tried in rows.groupby("seed"):
        recalls, healed = tried["recall"].to_numpy(float), tried["healed"].to_numpy(bool)
        low = recalls[~healed].max(initial=-np.inf)
        yield int(str(seed)), (low, recalls[healed & (recalls > low)].min(initial=np.inf))


def _note(counts: dict[str, Any], law: NormalLaw, found: dict[str, Estimate]) -> str | None:
    """Return the reasons why an estimate or an interval is missing, in one text; None if none is missing."""
    notes = []
    if counts["n"] < ENOUGH:
        notes.append(f"fewer than {ENOUGH} seeds, so no interval")
    if counts["never_healed"] == counts["n"]:
        notes.append("no seed was healed at the highest recall")
    elif counts["always_healed"] == counts["n"]:
        notes.append("every seed was healed at the lowest recall")
    elif law.mean is None:
        notes.append("the recalls that were tried do not tell the threshold")
    elif law.sd == 0:
        notes.append("one threshold explains all seeds, so no R90 apart from R50")
    else:
        notes += [
            f"fitted {name.upper()} is outside of recall 0 to 1"
            for name in found
            if found[name].value is None
        ]
    return "; ".join(notes) or None
