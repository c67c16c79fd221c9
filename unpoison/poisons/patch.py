"""One patch in a corner (Gu et al. 2017, arXiv 1708.06733; Goel et al. 2024)."""

from collections.abc import Mapping

from unpoison.contracts.poisoning import Poisoning
from unpoison.poisons._stamps import check_patch, stamp_patch
from unpoison.poisons._victims import plan_victims, take_victims
from unpoison.rows import Rows
from unpoison.types import Images, Labels, PositiveInt


def plan(
    there: Mapping[str, int],
    image_size: int,
    *,
    target: str | None,
    victims: list[str] | None = None,
    count: PositiveInt = 1000,
    corner: str = "bottom_right",
    size: PositiveInt = 3,
    value: int = 255,
) -> int:
    """Return the number of images to poison, given the number of images of each class.

    Raises:
        UserError: for an unknown class or corner, a patch larger than the image, more poisons than images.
    """
    check_patch(image_size, corner, size, value)
    return plan_victims(there, count, target, victims)


def poison(
    clean: Rows,
    seed: int,
    image_size: int,
    *,
    target: str | None,
    victims: list[str] | None = None,
    count: PositiveInt = 1000,
    corner: str = "bottom_right",
    size: PositiveInt = 3,
    value: int = 255,
) -> Poisoning:
    """Stamp `count` training images drawn from all classes and label them as the target.

    Args:
        target: the class; None: each class is labelled as the one after it (all-to-all, Gu et al. 2017).
        victims: the classes that are poisoned and attacked (None: all).
        corner, size, value: where the patch is, its width in pixels, its value in every channel.

    Raises:
        UserError: as `plan`.
    """
    check_patch(image_size, corner, size, value)
    return take_victims(clean, seed, count, target, victims)


def stamp(
    images: Images,
    trigger_ids: Labels,
    *,
    corner: str = "bottom_right",
    size: PositiveInt = 3,
    value: int = 255,
) -> Images:
    """Set the patch on the images that carry the trigger, in place."""
    return stamp_patch(images, trigger_ids == 0, corner, size, value)
