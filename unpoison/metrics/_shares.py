"""Shares of rows, over all classes together and by class."""

import numpy as np

from unpoison.contracts.judged import Judged, Part
from unpoison.rows import NONE, TEST_SPLITS
from unpoison.types import Labels, Mask

Values = dict[str | None, float]


def shares(hits: Mask, labels: Labels, class_names: tuple[str, ...]) -> Values:
    """Return the share of hits over all rows and over the rows of each label; classes without rows are left out."""
    found: Values = {None: float(hits.mean())} if len(hits) else {}
    for label, name in enumerate(class_names):
        of_class = labels == label
        if of_class.any():
            found[name] = float(hits[of_class].mean())
    return found


def accuracy(part: Part) -> Values:
    """Return the share of rows whose TRUE class is predicted, over all rows and for each class."""
    labels = part.rows.label
    assert (labels != NONE).all(), "an accuracy needs rows of known true class"
    return shares(part.answers.predicted == labels, labels, part.rows.class_names)


def attack_success(tested: Part) -> Values:
    """Return the share of attacked images predicted as the attack's target, without images of the target class.

    Images with an unknown target are not counted.
    """
    target = tested.rows.target
    counted = tested.take((tested.rows.label != target) & (target != NONE))
    hits = counted.answers.predicted == counted.rows.target
    return shares(hits, counted.rows.label, counted.rows.class_names)


def worst_class(values: Values) -> Values:
    """Return the lowest value over the classes."""
    by_class = [value for name, value in values.items() if name is not None]
    return {None: min(by_class)} if by_class else {}


def is_confused(judged: Judged) -> Mask:
    """Return the mask of the clean test images of the classes that an attack without a trigger confuses."""
    rows = judged.rows
    wanted = np.isin(rows.split, TEST_SPLITS) & (rows.trigger_id == NONE) & (rows.target != NONE)
    return np.isin(judged.clean_test.rows.image, rows.image[wanted])
