"""Labels of two classes exchanged, no trigger: interclass confusion (Goel et al. 2022, "Towards Adversarial
Evaluations for Inexact Machine Unlearning", arXiv 2201.06640; Goel et al. 2024, arXiv 2402.14015)."""

from collections.abc import Mapping

import numpy as np

from unpoison.contracts.poisoning import Poisoning
from unpoison.errors import UserError, one_of
from unpoison.poisons._stamps import check_count
from unpoison.rows import NONE, Rows
from unpoison.seeds import draw
from unpoison.types import Images, Labels, PositiveInt


def plan(there: Mapping[str, int], image_size: int, *, classes: list[str], count: PositiveInt = 1000) -> int:
    """Return the number of images to poison, given the number of images of each class.

    Raises:
        UserError: for a number of classes other than two, an unknown class, and too few images of one.
    """
    for name in classes:
        if name not in there:
            raise one_of("class", name, there)
    if len(set(classes)) != 2 or len(classes) != 2:
        raise UserError(f"class_confusion takes two classes; found classes: {', '.join(classes) or '(none)'}")
    for name, wanted in zip(sorted(classes), _halves(count), strict=True):
        check_count(wanted, there[name], f"images of class '{name}'")
    return count


def poison(
    clean: Rows, seed: int, image_size: int, *, classes: list[str], count: PositiveInt = 1000
) -> Poisoning:
    """Exchange labels: half of the `count` images from one class to the other, and half in reverse.

    Args:
        classes: the two classes; if the count is odd, the first one in alphabetical order has one image more.

    Raises:
        UserError: as `plan`.
    """
    plan(clean.count_by_class(), image_size, classes=classes, count=count)
    labels = [clean.class_names.index(name) for name in sorted(classes)]
    halves = _halves(count)
    victims = []
    for label, wanted in zip(labels, halves, strict=True):
        of_class = np.flatnonzero(clean.label == label)
        victims.append(of_class[draw(clean.row_id[of_class], wanted, "victims", seed)])
    first, second = labels
    return Poisoning(
        rows=np.concatenate(victims),
        given_labels=np.repeat([second, first], halves),
        trigger_ids=np.full(count, NONE),
        attacks={first: (NONE, second), second: (NONE, first)},
    )


def stamp(images: Images, trigger_ids: Labels) -> Images:
    """Return the images as they are: there is no trigger."""
    return images


def _halves(count: int) -> tuple[int, int]:
    return count - count // 2, count // 2
