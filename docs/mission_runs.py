"""The tables that the pages of both of the mission's studies have: planned contrasts and blocks."""

import pandas as pd

from docs.mission_numbers import points, table
from docs.pages import Rows


def planned(run: str, *studies: str) -> Rows:
    """Return the planned contrasts of some studies."""
    yield "study", "contrast", "difference in points", "seeds", "p, corrected", "equivalent within its margin"
    rows = table(run, "contrasts")
    for study in studies:
        for _, row in rows[rows["study"] == study].iterrows():
            adjusted = "" if pd.isna(row["p_adjusted"]) else f"{row['p_adjusted']:.2g}"
            equal = "" if pd.isna(row["equivalent"]) else "yes" if row["equivalent"] else "not shown"
            is_count = row["metric"] == "healed"
            told = f"{row['first_only']} seeds to {row['second_only']}" if is_count else points(row)
            yield f"`{study}`", f"`{row['contrast']}`", told, str(row["n"]), adjusted, equal


def blocks(run: str) -> Rows:
    """Return for each block of a run its seeds and its cost."""
    yield (
        "block",
        "study",
        "seeds",
        "models",
        "commit",
        "processor",
        "core hours",
        "million image passes",
        "finished, UTC",
    )
    for row in table(run, "blocks").itertuples():
        commits = ", ".join(commit[:10] for commit in row.commit.split(", "))
        cost = f"{row.seconds / 3600:.1f}", f"{row.image_passes / 1e6:.1f}"
        finished = f"{row.first[:16]} to {row.last[:16]}".replace("T", " ")
        yield row.block, f"`{row.study}`", row.seeds, str(row.models), commits, row.processor, *cost, finished
