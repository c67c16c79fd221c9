"""Shares of rows, over all classes together and by class."""

import numpy as np

from unpoison.contracts.judged import Judged, Part
from unpoison.rows import NONE, TEST_SPLITS
from unpoison.types import Labels, Mask

Values = dict[str | None, float]


def shares(hits: Mask, labels: Labels, class_names: tuple[str, ...]) -> Values:
    """Return the share of hits over all rows and over those of each label; classes without rows are left out."""
    found: Values = {None: float(hits.mean())} if len(hits) else {}
    for label, name in enumerate(class_names):
        of_class = labels == label
        if of_class.any():
            found[name] = float(hits[of_class].mean())
    return found


def accuracy(part: Part) -> Values:
    """Return the share of rows whose TRUE class is predicted, over all and for each class."""
    labels = part.rows.label
    assert (labels != NONE).all(), "an accuracy asks for true classes that nobody knows"
    return shares(part.answers.predicted == labels, labels, part.rows.class_names)


def attack_success(tested: Part) -> Values:
    """Return the share of attacked images that are predicted as the attack's target, the target class left out.

    Images whose target nobody knows are not counted.
    """
    target = tested.rows.target
    counted = tested.take((tested.rows.label != target) & (target != NONE))
    hits = counted.answers.predicted == counted.rows.target
    return shares(hits, counted.rows.label, counted.rows.class_names)


def worst_class(values: Values) -> Values:
    """Return the lowest value of a class."""
    by_class = [value for name, value in values.items() if name is not None]
    return {None: min(by_class)} if by_class else {}


def is_confused(judged: Judged) -> Mask:
    """Return which clean test images an attack without a trigger wants to be taken for another class, as they are."""
    rows = judged.rows
    wanted = np.isin(rows.split, TEST_SPLITS) & (rows.trigger_id == NONE) & (rows.target != NONE)
    return np.isin(judged.clean_test.rows.image, rows.image[wanted])
