"""One patch, one target class, victims from all classes (Gu et al. 2017, arXiv 1708.06733; Goel et al. 2024)."""

from collections.abc import Mapping

import numpy as np

from unpoison.errors import one_of
from unpoison.poisons._poisoning import Poisoning, check_count, check_patch, stamp_patch
from unpoison.rows import Rows
from unpoison.seeds import draw
from unpoison.types import Images, Labels, PositiveInt


def plan(
    there: Mapping[str, int],
    image_size: int,
    *,
    target: str,
    count: PositiveInt = 1000,
    corner: str = "bottom_right",
    size: PositiveInt = 3,
    value: int = 255,
) -> int:
    """How many images are poisoned, given how many there are of each class.

    Raises:
        UserError: for an unknown class or corner, a patch larger than the image, more poisons than images.
    """
    if target not in there:
        raise one_of("target class", target, there)
    check_patch(image_size, corner, size, value)
    check_count(count, sum(there.values()), "training images")
    return count


def poison(
    clean: Rows,
    seed: int,
    image_size: int,
    *,
    target: str,
    count: PositiveInt = 1000,
    corner: str = "bottom_right",
    size: PositiveInt = 3,
    value: int = 255,
) -> Poisoning:
    """Stamp `count` training images drawn from all classes and label them as the target.

    As in Goel et al. some victims are of the target class already: they carry the trigger and keep their label.

    Raises:
        UserError: as `plan`.
    """
    there = clean.count_by_class()
    plan(there, image_size, target=target, count=count, corner=corner, size=size, value=value)
    wanted = clean.class_names.index(target)
    return Poisoning(
        rows=draw(clean.row_id, count, "victims", seed),
        given_labels=np.full(count, wanted),
        trigger_ids=np.zeros(count, dtype=np.int64),
        attacks=dict.fromkeys(range(len(clean.class_names)), (0, wanted)),
    )


def stamp(
    images: Images,
    trigger_ids: Labels,
    *,
    corner: str = "bottom_right",
    size: PositiveInt = 3,
    value: int = 255,
) -> Images:
    """Set the patch on the images that carry the trigger, in place."""
    stamped = trigger_ids == 0
    images[stamped] = stamp_patch(images[stamped], corner, size, value)
    return images
