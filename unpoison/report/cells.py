"""The cells that a study's answer is computed from: one axis of the study, and every method along it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from unpoison.drawing.looks import in_order
from unpoison.statistics import varied_keys

RECALL, FPR, FDR = "deletion.recall", "deletion.fpr", "deletion.fdr"
OF_CLASSES = ("dataset.keep.", "poison.share.")
ENTRY = "deletion set"  # the axis of a study that compares deletion sets
HIGHEST_FIRST = (RECALL,)  # a fixed key of these keeps its highest value, any other its lowest


@dataclass(frozen=True)
class Share:
    """The share of its seeds that a method heals, in one setting.

    value: of the axis, None for a repair without a deletion set; class_name: None for all classes together; healed,
    broken, n: numbers of seeds; low, high: ends of the Jeffreys interval of healed / n; safe_low: lower end of the
    Clopper-Pearson interval; accuracy: mean clean accuracy of the healed seeds; recall, fpr: of the deletion set, as
    achieved. Without a seed these numbers are nan.
    """

    method: str
    value: Any
    class_name: str | None
    healed: int
    broken: int
    n: int
    low: float
    high: float
    safe_low: float
    accuracy: float
    recall: float
    fpr: float

    @property
    def share(self) -> float:
        return self.healed / self.n if self.n else float("nan")

    @property
    def is_all(self) -> bool:
        """True if there is a seed, and every seed healed."""
        return self.n > 0 and self.healed == self.n


@dataclass(frozen=True)
class Cells:
    """The shares of healed models that the answer of a study is computed from.

    axis: the varied key that the answer is about, ENTRY, or None; values: those of the axis, in order; fixed: the other
    keys, each with the one value that the answer uses; shares: of all classes together; by_class: of each class. Both
    are in the order of the legends, then along the axis.
    """

    axis: str | None
    values: tuple[Any, ...]
    fixed: Mapping[str, Any]
    shares: tuple[Share, ...]
    by_class: tuple[Share, ...]

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(share.method for share in self.shares))

    @property
    def classes(self) -> list[str]:
        return list(dict.fromkeys(share.class_name for share in self.by_class if share.class_name))

    @property
    def values_there(self) -> list[Any]:
        """The values of the axis at which a deletion set has an outcome; all values if there is none."""
        with_set = {share.value for share in self.shares if share.n and share.value is not None}
        return [value for value in self.values if value in with_set] or list(self.values)

    @property
    def is_about_classes(self) -> bool:
        return self.axis is not None and self.axis.startswith(OF_CLASSES) and len(self.classes) > 1

    def at(self, value: Any) -> list[Share]:
        """Return the shares at a value of the axis, including repairs without a deletion set."""
        return [share for share in self.shares if share.n and share.value in (value, None)]


def cells_of(healed: pd.DataFrame, deletions: Mapping[str, str]) -> Cells | None:
    """Return the cells of a study's answer; None if no model has an outcome.

    Args:
        healed: the rows of one study in the table of this name.
        deletions: the config entry of each deletion set, by the set's name.
    """
    if not healed["n"].sum():
        return None
    table = healed.assign(**{ENTRY: healed["deletion"].map(dict(deletions))})
    keys = [key for key in (*varied_keys(healed), ENTRY) if table[key].nunique() > 1]
    axis = min(keys, key=_rank, default=None)
    fixed = {}
    for key in keys:
        if key != axis:
            fixed[key] = _kept(table, key)
            table = table[table[key].isna() | (table[key] == fixed[key])]
    values = tuple(sorted(table[axis].dropna().unique().tolist(), key=_by_size)) if axis else ()
    order = {method: place for place, method in enumerate(in_order(table["method"]))}
    shares = sorted(
        (_share(row, axis) for row in table.to_dict("records")),
        key=lambda share: (
            order[share.method],
            -1 if share.value is None else values.index(share.value),
            share.class_name or "",
        ),
    )
    whole = tuple(share for share in shares if share.class_name is None)
    return Cells(axis, values, fixed, whole, tuple(share for share in shares if share.class_name))


def _rank(key: str) -> tuple[int, str]:
    """Return the sort key of a candidate axis: recall, false alarms, keys of classes, others, deletion sets."""
    if key in (RECALL, FPR, FDR):
        return (RECALL, FPR, FDR).index(key), key
    return (3 if key.startswith(OF_CLASSES) else 5 if key == ENTRY else 4), key


def _kept(table: pd.DataFrame, key: str) -> Any:
    """Return the value at which a key is fixed: the best detector quality among the values with an outcome."""
    counts = table.groupby(key)["n"].sum()
    there = sorted(counts[counts > 0].index.tolist() or counts.index.tolist(), key=_by_size)
    if key == ENTRY:
        return max(there, key=lambda value: counts[value])
    return there[-1] if key in HIGHEST_FIRST else there[0]


def _by_size(value: Any) -> tuple[bool, Any]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (not is_number, value if is_number else str(value))


def _share(row: Mapping[Any, Any], axis: str | None) -> Share:
    counts = (int(row["healed"]), int(row["broken"]), int(row["n"]))
    numbers = (
        float("nan") if pd.isna(row[name]) else float(row[name])
        for name in ("low", "high", "safe_low", "accuracy", "recall", "fpr")
    )
    value, class_name = (
        None if pd.isna(each) else each for each in (row[axis] if axis else None, row["class_name"])
    )
    return Share(row["method"], value, class_name, *counts, *numbers)
