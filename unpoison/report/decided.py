"""Sentences on the decisions of an adaptive study: the bisections that ended, and the cells with enough seeds."""

from collections.abc import Iterator

import pandas as pd

from unpoison.report.words import capital, spoken
from unpoison.rounds import BISECT

NAMED = 3  # cells with a sentence of their own


def decided(decisions: pd.DataFrame) -> Iterator[str]:
    """Yield the sentences of one study, from its rows of the table of decisions."""
    if decisions.empty:
        return
    open_ones = int((decisions["state"] == "open").sum())
    if (decisions["rule"] == BISECT).all():
        lost = int((decisions["state"] == "no outcome").sum())
        ended = len(decisions) - open_ones
        told = f"{ended} of {len(decisions)} bisections of a seed have ended"
        yield f"{told}, {lost} of them without an outcome." if lost else f"{told}."
        return
    for row in decisions.head(NAMED).to_dict("records"):
        yield f"{capital(spoken(row['method']))}, {row['deletion']}: {row['why']}."
    if len(decisions) > NAMED:
        settled = int((decisions["state"] == "settled").sum())
        yield f"{settled} of {len(decisions)} cells are settled; the table decisions has all of them."
