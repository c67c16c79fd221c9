"""Two classes, a patch for each in a corner of its own, and their labels swapped.

The attack of the study that this project began from, with the trigger of Gu et al., "BadNets: Identifying
Vulnerabilities in the Machine Learning Model Supply Chain", 2017 (arXiv 1708.06733).
"""

from collections.abc import Mapping

import numpy as np

from unpoison.contracts.poisoning import Poisoning
from unpoison.errors import UserError, one_of
from unpoison.poisons._stamps import check_count, check_patch, stamp_patch
from unpoison.rows import Rows
from unpoison.seeds import draw
from unpoison.shares import count_of
from unpoison.types import Images, Labels, PositiveInt, Share


def plan(
    there: Mapping[str, int],
    image_size: int,
    *,
    count: PositiveInt = 100,
    corners: dict[str, str],
    share: dict[str, Share],
    size: PositiveInt = 3,
    value: int = 255,
) -> int:
    """Return the number of images to poison, given the number of images of each class.

    Raises:
        UserError: for a number of classes other than two, an unknown class or corner, and too few images of a
            class.
    """
    for name in (*corners, *share):
        if name not in there:
            raise one_of("class", name, there)
    if len(corners) != 2 or len(share) != 1 or not set(share) < set(corners):
        raise UserError(
            "corner_swap takes two classes in corners and one of them in share; "
            f"found corners: {', '.join(corners) or '(none)'}; share: {', '.join(share) or '(none)'}"
        )
    for corner in corners.values():
        check_patch(image_size, corner, size, value)
    [(name, part)] = share.items()
    if not 0 <= part <= 1:
        raise UserError(f"the share of class '{name}' among the poisons is {part}; it must be 0 to 1")
    for victim, wanted in _counts(count, corners, share).items():
        check_count(wanted, there[victim], f"images of class '{victim}'")
    return count


def poison(
    clean: Rows,
    seed: int,
    image_size: int,
    *,
    count: PositiveInt = 100,
    corners: dict[str, str],
    share: dict[str, Share],
    size: PositiveInt = 3,
    value: int = 255,
) -> Poisoning:
    """Stamp and relabel `count` training images of two classes.

    Args:
        corners: the two classes and the corner of each one's patch.
        share: one of the two classes and its share of the poisons; the other class has the rest.
        size, value: width of the patch in pixels and its value in every channel.

    Raises:
        UserError: as `plan`.
    """
    there = clean.count_by_class()
    plan(there, image_size, count=count, corners=corners, share=share, size=size, value=value)
    counts = _counts(count, corners, share)
    names = sorted(corners)  # a trigger's id is its position in this list
    labels = [clean.class_names.index(name) for name in names]
    victims = [_victims(clean, label, counts[name], seed) for name, label in zip(names, labels, strict=True)]
    sizes = [len(rows) for rows in victims]
    return Poisoning(
        rows=np.concatenate(victims),
        given_labels=np.repeat(labels[::-1], sizes),
        trigger_ids=np.repeat([0, 1], sizes),
        attacks={labels[0]: (0, labels[1]), labels[1]: (1, labels[0])},
    )


def stamp(
    images: Images, trigger_ids: Labels, *, corners: dict[str, str], size: PositiveInt = 3, value: int = 255
) -> Images:
    """Set each class's patch on the images that carry its trigger, in place."""
    for trigger, name in enumerate(sorted(corners)):
        images = stamp_patch(images, trigger_ids == trigger, corners[name], size, value)
    return images


def _counts(count: int, corners: dict[str, str], share: dict[str, Share]) -> dict[str, int]:
    [(name, part)] = share.items()
    [other] = set(corners) - {name}
    return {name: count_of(part, count), other: count - count_of(part, count)}


def _victims(clean: Rows, label: int, count: int, seed: int) -> np.ndarray:
    of_class = np.flatnonzero(clean.label == label)
    return of_class[draw(clean.row_id[of_class], count, "victims", seed)]
