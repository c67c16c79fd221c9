"""The table of rows: the images of a study, their labels, and an attacker's changes to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from unpoison.errors import UserError, one_of
from unpoison.files import read_columns, write_columns
from unpoison.seeds import draw
from unpoison.shares import amount, apportion
from unpoison.types import Indices, Labels, Mask

NONE = -1  # no trigger, no target
TEST_SPLITS = ("test", "test_2", "test_3", "test_4")  # each further attack has its own copy of the test rows
TRUSTED, TRIGGERED = "trusted", "triggered"  # further splits of a source


@dataclass(frozen=True)
class Rows:
    """One entry per image.

    image: position in the source's image array; row_id: the image's own stable name; split: "train",
    "validation" or "test" ("test_2" and so on: a further attack's own copy of the test rows of its classes;
    "triggered": test images that already carry an attacker's trigger; "trusted": only in a source, before a data
    set is drawn); label: the true class, or -1 if unknown; given_label: the label given to the trainer;
    is_poisoned: whether an attacker changed the row, None for the whole table if unknown; trigger_id: the trigger
    stamped on it (for a test row: on its adversarial copy), or -1; target: the class that the attack wants for a
    stamped test image, or -1. Labels index class_names.
    """

    image: Indices
    row_id: np.ndarray
    split: np.ndarray
    label: Labels
    given_label: Labels
    is_poisoned: Mask | None
    trigger_id: Labels
    target: Labels
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.image)

    def take(self, which: np.ndarray) -> "Rows":
        """Return the rows chosen by a mask or by positions."""
        return replace(self, **{name: column[which] for name, column in self._known().items()})

    def of(self, split: str) -> "Rows":
        return self.take(self.split == split)

    def count_by_class(self) -> dict[str, int]:
        """Return the number of rows of each class, by given label."""
        counts = np.bincount(self.given_label, minlength=len(self.class_names))
        return dict(zip(self.class_names, counts.tolist(), strict=True))

    def poisoned(self, purpose: str) -> Mask:
        """Return the mask of poisoned rows.

        Args:
            purpose: the use of the mask, for the error.

        Raises:
            UserError: if the poisoned rows are unknown.
        """
        if self.is_poisoned is None:
            raise UserError(
                f"{purpose} needs to know which training rows are poisoned, which is unknown for data as found; "
                "list them as the option truth of the poison as_found"
            )
        return self.is_poisoned

    def _known(self) -> dict[str, np.ndarray]:
        """Return the columns by name, without unknown ones."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        return {name: column for name, column in columns.items() if column is not None}


COLUMNS = tuple(field.name for field in fields(Rows) if field.name != "class_names")


def joined(parts: Sequence[Rows]) -> Rows:
    """Return the rows of all parts, one part after the other; the parts have the same classes."""
    known = [part._known() for part in parts]
    columns: dict[str, Any] = {name: np.concatenate([part[name] for part in known]) for name in known[0]}
    return replace(parts[0], **columns)


def clean_rows(
    row_ids: Sequence[str], splits: Sequence[str], labels: Labels, class_names: tuple[str, ...]
) -> Rows:
    """Return rows without an attack, in the given order."""
    size = len(row_ids)
    return Rows(
        image=np.arange(size),
        row_id=np.array(row_ids, dtype=object),
        split=np.array(splits, dtype=object),
        label=labels,
        given_label=labels.copy(),
        is_poisoned=np.zeros(size, dtype=bool),
        trigger_id=np.full(size, NONE),
        target=np.full(size, NONE),
        class_names=class_names,
    )


def write_rows(path: str | Path, rows: Rows) -> None:
    """Write the table; the class names are stored in the file's metadata. `is_poisoned` is null if unknown."""
    nothing = np.full(len(rows), None, dtype=object)
    columns = dict.fromkeys(COLUMNS, nothing) | rows._known()
    write_columns(path, columns, notes={"class_names": rows.class_names})


def read_rows(path: str | Path) -> Rows:
    """Return the rows that `write_rows` wrote.

    Raises:
        UserError: for a file that is damaged or is another table; the file stays unchanged.
    """
    columns, notes = read_columns(path)
    if set(columns) != set(COLUMNS) or not isinstance(notes, dict) or "class_names" not in notes:
        raise UserError(f"{path} is no table of rows: found the columns {', '.join(columns)}")
    told: dict[str, Any] = dict(columns)
    if len(told["is_poisoned"]) and told["is_poisoned"][0] is None:
        told["is_poisoned"] = None
    return Rows(**told, class_names=tuple(notes["class_names"]))


def count_rows(
    there: Mapping[str, int],
    *,
    classes: Sequence[str] | None = None,
    keep: Mapping[str, int | float] | None = None,
    validation: int | float = 0,
) -> tuple[dict[str, int], dict[str, int]]:
    """Return the number of training images kept of each chosen class, and how many of them become validation rows.

    Args:
        there: training images of each class of the source, in the source's order.
        classes, keep, validation: as for `choose_rows`.

    Raises:
        UserError: for a class that the source does not have, a single class, more images than there are,
            or none left.
    """
    for name in classes or ():
        if name not in there:
            raise one_of("class", name, there)
    chosen = [name for name in there if not classes or name in classes]
    if len(chosen) < 2:
        raise UserError(f"a data set needs two classes or more; found {', '.join(chosen) or '(none)'}")
    for name in keep or {}:
        if name not in chosen:
            raise one_of("class in keep:", name, chosen)
    kept = {name: amount((keep or {}).get(name, 1.0), there[name]) for name in chosen}
    empty = [name for name in chosen if not there[name]]
    if empty:
        with_images = ", ".join(name for name in chosen if there[name]) or "(none)"
        raise UserError(
            f"found classes that have a name and no training image: {', '.join(empty)}; "
            f"list in classes those to use: {with_images}"
        )
    for name, count in kept.items():
        if not 1 <= count <= there[name]:
            raise UserError(f"cannot keep {count} training images of class '{name}': there are {there[name]}")
    total = sum(kept.values())
    aside = amount(validation, total)
    if aside >= total:
        raise UserError(f"cannot set {aside} rows aside for validation: there are {total} training rows")
    return kept, dict(zip(kept, apportion(aside, list(kept.values())), strict=True))


def choose_rows(
    source: Rows,
    seed: int,
    *,
    classes: Sequence[str] | None = None,
    keep: Mapping[str, int | float] | None = None,
    validation: int | float = 0,
) -> Rows:
    """Return the rows of a data set, drawn from a source, before any attack.

    It contains all test and triggered rows of the chosen classes. The validation rows are all trusted rows and the
    training rows that are set aside.

    Args:
        classes: names of the classes to use (all); labels follow the order of the source.
        keep: for a class, how many of its training images to keep: an integer is a number, a float a share.
        validation: how many training rows to set aside, a number or a share, in proportion to the classes.

    Raises:
        UserError: as `count_rows`.
    """
    there = source.of("train").count_by_class()
    kept, aside = count_rows(there, classes=classes, keep=keep, validation=validation)
    names = tuple(kept)
    new_label = np.array([names.index(name) if name in names else NONE for name in source.class_names])
    rows = source.take(new_label[source.given_label] != NONE)
    labels = new_label[rows.given_label]
    split = rows.split.copy()
    chosen = [np.flatnonzero(split != "train")]
    split[split == TRUSTED] = "validation"
    for label, name in enumerate(names):
        of_class = np.flatnonzero((split == "train") & (labels == label))
        of_class = of_class[draw(rows.row_id[of_class], kept[name], "keep", seed)]
        split[of_class[draw(rows.row_id[of_class], aside[name], "validation", seed)]] = "validation"
        chosen.append(of_class)
    untouched = np.zeros(len(rows), dtype=bool)
    rows = replace(
        rows,
        label=labels,
        given_label=labels.copy(),
        split=split,
        is_poisoned=untouched,
        class_names=names,
    )
    return rows.take(np.sort(np.concatenate(chosen)))
