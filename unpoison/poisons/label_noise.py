"""Random wrong labels, no trigger: symmetric label noise (Angluin and Laird 1988; as in Natarajan et al. 2013)."""

from collections.abc import Mapping

import numpy as np

from unpoison.contracts.poisoning import Poisoning
from unpoison.poisons._victims import plan_victims
from unpoison.rows import NONE, Rows
from unpoison.seeds import draw, priorities
from unpoison.types import Images, Labels, PositiveInt


def plan(there: Mapping[str, int], image_size: int, *, count: PositiveInt = 1000) -> int:
    """Return the number of images to poison, given the number of images of each class.

    Raises:
        UserError: for more poisons than images.
    """
    return plan_victims(there, count, None)


def poison(clean: Rows, seed: int, image_size: int, *, count: PositiveInt = 1000) -> Poisoning:
    """Label `count` training images as another class, drawn uniformly from the other classes.

    Raises:
        UserError: as `plan`.
    """
    plan(clean.count_by_class(), image_size, count=count)
    classes = len(clean.class_names)
    rows = draw(clean.row_id, count, "victims", seed)
    steps = priorities(clean.row_id[rows], "wrong label", seed) % np.uint64(classes - 1) + np.uint64(1)
    return Poisoning(
        rows=rows,
        given_labels=(clean.label[rows] + steps.astype(np.int64)) % classes,
        trigger_ids=np.full(count, NONE),
        attacks={},
    )


def stamp(images: Images, trigger_ids: Labels) -> Images:
    """Return the images as they are: there is no trigger."""
    return images
