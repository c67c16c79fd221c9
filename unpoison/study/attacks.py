"""The classes that an attack stamps with its trigger, derived from the class counts of a data set alone."""

import numpy as np

from unpoison.attacks import stamped_classes
from unpoison.errors import UserError
from unpoison.poisons import POISONS
from unpoison.rows import clean_rows
from unpoison.study.counts import Counts
from unpoison.study.records import Dataset, Poison


def stamped_names(counts: Counts, dataset: Dataset, poison: Poison) -> set[str] | None:
    """Return the classes that an attack stamps with a trigger; None if the counts do not determine them.

    The poison is run on placeholder rows that have only their classes.
    """
    there = counts.training(dataset)
    labels = np.repeat(np.arange(len(there)), list(there.values()))
    splits = ["train"] * len(labels)
    rows = clean_rows([f"{place:09d}" for place in range(len(labels))], splits, labels, tuple(there))
    try:
        poisoning = POISONS[poison.kind](rows, 0, dataset.source.image_size, **poison.options)
    except UserError:  # with several attacks, the rows left for the next one depend on the real rows
        return None
    return {rows.class_names[label] for label in stamped_classes(poisoning)}
