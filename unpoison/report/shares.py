"""The chart of the first screen: the share of healed models by method, with its interval."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd

from unpoison.report.cells import ENTRY, FDR, FPR, RECALL, Cells, Share
from unpoison.report.counted import bracketed, count, leading
from unpoison.report.gains import FEWEST
from unpoison.report.words import capital, interval, spoken, value_label
from unpoison.results import CLEAN

ROWS = 9  # dots of a chart, so that it fits on the first screen
PANELS = 6  # small charts, one for each method
ALONG = (RECALL, FPR, FDR)
ID = {ENTRY: "deletions"}  # the section of the config that names the values


@dataclass(frozen=True)
class Dot:
    """A share with its interval (0 to 1; None if missing).

    title: in words; name: the id that the title describes, empty if they are equal; told: share and interval as text;
    place: position on the axis of a panel, from 0 to 1.
    """

    title: str
    name: str
    told: str
    share: float | None
    low: float | None
    high: float | None
    place: float = 0.5


NO_OUTCOME = Dot("No outcome", "", "reason: see the flags", None, None, None)


@dataclass(frozen=True)
class Group:
    """Dots under a title: of one setting in a dot plot, of one method in small charts. name: as in `Dot`."""

    title: str
    name: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class Chart:
    """A chart of shares.

    is_along: True if each group is a small chart over the axis; ticks: of that axis, (position from 0 to 1, label).
    """

    title: str
    note: str
    groups: tuple[Group, ...]
    is_along: bool = False
    ticks: tuple[tuple[float, str], ...] = ()


def chart_of(cells: Cells) -> Chart:
    """Return the chart of a study with outcomes: small charts over recall or false alarms, or else a dot plot."""
    kept = " and ".join(value_label(key, value) for key, value in cells.fixed.items())
    at = f" at {kept}" if kept else ""
    if cells.axis in ALONG and len(cells.values_there) > 2:
        return _along(cells, at)
    title = f"Share of models healed{at}"
    shares = cells.by_class if cells.is_about_classes else cells.shares
    ends = (cells.values_there[0], cells.values_there[-1]) if cells.is_about_classes else ()
    groups = _groups((share for share in shares if not ends or share.value in ends), cells)
    return Chart(title, _note(len(shares), ROWS), tuple(_first(groups, ROWS)))


def accuracy_chart(summary: pd.DataFrame) -> Chart | None:
    """Return a chart of clean accuracy by method; None if the study does not measure it.

    Args:
        summary: the rows of one study in the table of this name.
    """
    rows = summary[(summary["metric"] == CLEAN) & summary["class_name"].isna()].sort_values(
        "mean", ascending=False
    )
    dots = []
    for row in rows.drop_duplicates("method").to_dict("records"):
        title, told = capital(spoken(row["method"])), f"{100 * row['mean']:.1f} %"
        if row["n"] < FEWEST:
            dots.append(Dot(title, row["method"], told, row["mean"], None, None))
            continue
        low, high = max(row["ci_low"], 0.0), min(row["ci_high"], 1.0)
        dots.append(Dot(title, row["method"], f"{told} {interval(low, high)}", row["mean"], low, high))
    if not dots:
        return None
    note = _note(len(dots), ROWS, "the most accurate")
    if rows["method"].duplicated().any():
        note += " Of several settings of a method, the most accurate is shown."
    return Chart("Clean accuracy", note, (Group("", "", tuple(dots[:ROWS])),))


def _groups(shares: Iterable[Share], cells: Cells) -> list[Group]:
    """Return a group for each value of the axis and class, with the methods from the best to the worst."""
    ordered = sorted(shares, key=lambda share: _place(share, cells))
    groups = []
    for (value, class_name), found in groupby(ordered, key=lambda share: (share.value, share.class_name)):
        title = value_label(cells.axis, value) or ("no deletion set needed" if cells.axis else "")
        title = f"{title}, class {class_name}" if class_name else title
        judged = list(found)
        ranked = leading([share for share in judged if share.n]) + [share for share in judged if not share.n]
        dots = tuple(dot_of(share) for share in ranked) if ranked[0].n else (NO_OUTCOME,)
        groups.append(
            Group(capital(title) if title else "", ID.get(cells.axis or "", cells.axis or ""), dots)
        )
    if cells.axis == ENTRY:
        groups.sort(key=lambda group: -(group.dots[0].share or 0))
    return groups


def _place(share: Share, cells: Cells) -> tuple[int, str]:
    return -1 if share.value is None else cells.values.index(share.value), share.class_name or ""


def _first(groups: Sequence[Group], most: int) -> Iterable[Group]:
    """Yield the groups, cut to about equally many dots and at most `most` in all, at least one each."""
    each = max(1, most // max(1, len(groups)))
    for group in groups[:most]:
        yield Group(group.title, group.name, group.dots[:each])


def dot_of(share: Share, place: float = 0.5) -> Dot:
    """Return the dot of a share; without a value if no seed has an outcome."""
    title = capital(spoken(share.method))
    if not share.n:
        return Dot(title, share.method, "no outcome", None, None, None, place)
    told = f"{count(share)}, {bracketed(share)}"
    return Dot(title, share.method, told, share.share, share.low, share.high, place)


def _along(cells: Cells, at: str) -> Chart:
    """Return small charts over the axis, one for each method, sorted by the mean share of healed models."""
    values = cells.values_there
    low, high = values[0], values[-1]
    of_method = {method: [s for s in cells.shares if s.method == method and s.n] for method in cells.methods}
    ranked = sorted(
        (method for method in of_method if of_method[method]),
        key=lambda method: -sum(share.share for share in of_method[method]) / len(of_method[method]),
    )
    groups = []
    for method in ranked[:PANELS]:
        shares = of_method[method]
        if shares[0].value is None:  # a repair without a deletion set does not depend on the axis
            dots = [dot_of(shares[0], _along_axis(value, low, high)) for value in values]
        else:
            dots = [
                dot_of(share, _along_axis(share.value, low, high))
                for share in shares
                if share.value in values
            ]
        groups.append(Group(capital(spoken(method)), method, tuple(dots)))
    ticks = tuple((_along_axis(value, low, high), f"{100 * value:.3g}") for value in _spread(values))
    title = f"Share of models healed over {AXES[cells.axis or '']}{at}"
    return Chart(title, _note(len(ranked), PANELS), tuple(groups), True, ticks)


AXES = {
    RECALL: "recall (% of the poisons found)",
    FPR: "false alarms (% of the clean rows accused)",
    FDR: "false alarms (% of the deletion set)",
}


def _along_axis(value: Any, low: Any, high: Any) -> float:
    return float((value - low) / (high - low))


def _spread(values: Sequence[Any]) -> list[Any]:
    """Return the values that get a tick label: the last, and those far enough from the next label."""
    low, high = values[0], values[-1]
    kept = [high]
    for value in reversed(values[:-1]):
        if (kept[-1] - value) / (high - low) >= 0.24:
            kept.append(value)
    return kept[::-1]


def _note(there: int, most: int, which: str = "those that heal most often") -> str:
    """Return the note below the chart, with the number of entries that it leaves out."""
    left = "" if there <= most else f" Of {there}, {which} are shown; all are in the tables."
    return f"Dots are shares, bars 95 % intervals.{left}"
