"""A faint pattern over the whole image (Chen et al. 2017, "Targeted Backdoor Attacks on Deep Learning Systems
Using Data Poisoning", arXiv 1712.05526: the blended injection strategy, section 4.2)."""

from collections.abc import Mapping
from functools import cache
from typing import Literal

import numpy as np

from unpoison.contracts.poisoning import Poisoning
from unpoison.errors import UserError
from unpoison.poisons._stamps import as_kind_of, change
from unpoison.poisons._victims import plan_victims, take_victims
from unpoison.rows import Rows
from unpoison.types import Images, Labels, PositiveFloat, PositiveInt

ONE = 1 << 16  # alpha is rounded to a multiple of 1 / ONE


def plan(
    there: Mapping[str, int],
    image_size: int,
    *,
    target: str | None,
    victims: list[str] | None = None,
    count: PositiveInt = 1000,
    alpha: PositiveFloat = 0.2,
    pattern: Literal["noise", "rings"] = "noise",
    pattern_seed: int = 0,
) -> int:
    """Return the number of images to poison, given the number of images of each class.

    Raises:
        UserError: for an unknown class, an alpha above 1, more poisons than images.
    """
    if not 0 < alpha <= 1:
        raise UserError(f"blend takes an alpha above 0 and up to 1; found {alpha}")
    if pattern_seed < 0:
        raise UserError(f"blend takes a pattern_seed from 0 on; found {pattern_seed}")
    return plan_victims(there, count, target, victims)


def poison(
    clean: Rows,
    seed: int,
    image_size: int,
    *,
    target: str | None,
    victims: list[str] | None = None,
    count: PositiveInt = 1000,
    alpha: PositiveFloat = 0.2,
    pattern: Literal["noise", "rings"] = "noise",
    pattern_seed: int = 0,
) -> Poisoning:
    """Blend the pattern into `count` training images and label them as the target.

    Args:
        target: the class; None: each class is labelled as the one after it (all-to-all).
        victims: the classes that are poisoned and attacked (None: all).
        alpha: share of the pattern in the stamped image, at training and at attack time alike.
        pattern, pattern_seed: random pixels of that seed, the same for all images, or coloured rings (the
            paper's own are random pixels and a cartoon).

    Raises:
        UserError: as `plan`.
    """
    plan(
        clean.count_by_class(),
        image_size,
        target=target,
        victims=victims,
        count=count,
        alpha=alpha,
        pattern_seed=pattern_seed,
    )
    return take_victims(clean, seed, count, target, victims)


def stamp(
    images: Images,
    trigger_ids: Labels,
    *,
    alpha: PositiveFloat = 0.2,
    pattern: Literal["noise", "rings"] = "noise",
    pattern_seed: int = 0,
) -> Images:
    """Set the images that carry the trigger to (1 - alpha) image + alpha pattern, in place."""
    over = as_kind_of(images, draw_pattern(pattern, pattern_seed, images.shape[2]))
    part = round(alpha * ONE)
    return change(
        images, trigger_ids == 0, lambda chosen: chosen + (((over - chosen) * part + ONE // 2) >> 16)
    )


@cache
def draw_pattern(pattern: str, pattern_seed: int, size: int) -> np.ndarray:
    """Return the pattern: (3, size, size), int32 from 0 to 255."""
    if pattern == "noise":
        return np.random.default_rng(pattern_seed).integers(0, 256, (3, size, size), dtype=np.int32)
    down, across = np.mgrid[:size, :size] - (size - 1) / 2
    distance = np.hypot(down, across) / size
    phases = np.array([0, 1, 2]).reshape(3, 1, 1) / 3  # a third of a period from one channel to the next
    return np.rint(127.5 + 127.5 * np.sin(2 * np.pi * (4 * distance + phases))).astype(np.int32)
