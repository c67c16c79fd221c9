"""A smooth warp of the whole image (Nguyen and Tran 2021, "WaNet: Imperceptible Warping-based Backdoor Attack",
arXiv 2102.10369, equations 3 to 5).

It has no noise mode, in which the paper warps further training images at random and keeps their true labels.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from unpoison.contracts.poisoning import Poisoning
from unpoison.errors import UserError
from unpoison.poisons._stamps import as_kind_of, change
from unpoison.poisons._victims import plan_victims, take_victims
from unpoison.rows import Rows
from unpoison.types import Images, Labels, PositiveFloat, PositiveInt

ONE = 1 << 15  # weights of the four pixels around a point are integers, in units of 1 / ONE


def plan(
    there: Mapping[str, int],
    image_size: int,
    *,
    target: str | None,
    victims: list[str] | None = None,
    count: PositiveInt = 1000,
    strength: PositiveFloat = 0.5,
    grid: PositiveInt = 4,
    field_seed: int = 0,
) -> int:
    """Return the number of images to poison, given the number of images of each class.

    Raises:
        UserError: for an unknown class, a grid that the image is too small for, more poisons than images.
    """
    if not 2 <= grid <= image_size:
        raise UserError(
            f"warp takes a grid of 2 to {image_size} points, the size of the images; found {grid}"
        )
    return plan_victims(there, count, target, victims)


def poison(
    clean: Rows,
    seed: int,
    image_size: int,
    *,
    target: str | None,
    victims: list[str] | None = None,
    count: PositiveInt = 1000,
    strength: PositiveFloat = 0.5,
    grid: PositiveInt = 4,
    field_seed: int = 0,
) -> Poisoning:
    """Warp `count` training images and label them as the target.

    Args:
        target: the class; None: each class is labelled as the one after it (all-to-all).
        victims: the classes that are poisoned and attacked (None: all).
        strength: mean shift of a control point along an axis, in half pixels (s in the paper).
        grid: control points along each side (k in the paper).
        field_seed: seed of the one warp that all images share.

    Raises:
        UserError: as `plan`.
    """
    plan(clean.count_by_class(), image_size, target=target, victims=victims, count=count, grid=grid)
    return take_victims(clean, seed, count, target, victims)


def stamp(
    images: Images,
    trigger_ids: Labels,
    *,
    strength: PositiveFloat = 0.5,
    grid: PositiveInt = 4,
    field_seed: int = 0,
) -> Images:
    """Warp the images that carry the trigger, in place: each pixel is interpolated between four others."""
    pixels, weights = (
        as_kind_of(images, part) for part in corners_of(strength, grid, field_seed, images.shape[2])
    )

    def warped(chosen: Any) -> Any:
        flat = chosen.reshape(len(chosen), 3, pixels.shape[1])  # (n, 3, pixels)
        mixed = sum(flat[:, :, pixels[corner]] * weights[corner] for corner in range(4))
        return ((mixed + ONE // 2) >> 15).reshape(chosen.shape)

    return change(images, trigger_ids == 0, warped)


@cache
def corners_of(strength: float, grid: int, field_seed: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the four pixels that each pixel is read from, (4, pixels), and their integer weights, in units
    of 1 / `ONE`."""
    places = draw_places(strength, grid, field_seed, size)  # (2, size, size)
    first = np.clip(np.floor(places), 0, size - 2).astype(np.int64)
    part = places - first
    pixels, weights = [], []
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
        pixels.append((first[0] + down) * size + first[1] + across)
        weights.append(abs(1 - down - part[0]) * abs(1 - across - part[1]))
    whole = np.rint(np.array(weights) * ONE).astype(np.int32)
    whole[3] = ONE - whole[:3].sum(axis=0)  # rounding must not brighten a pixel
    return np.array(pixels).reshape(4, -1), whole.reshape(4, -1)


def draw_places(strength: float, grid: int, field_seed: int, size: int) -> np.ndarray:
    """Return the position that each pixel is read from, in pixels down and across: (2, size, size), in the
    image."""
    control = np.random.default_rng(field_seed).uniform(-1, 1, (2, grid, grid))
    control /= np.abs(control).mean()  # equation 4
    upsample = cubic(grid, size)
    shift = upsample @ control @ upsample.T * strength * (size - 1) / (2 * size)  # from widths of 2 to pixels
    return np.clip(np.mgrid[:size, :size] + shift, 0, size - 1)


def cubic(points: int, size: int) -> np.ndarray:
    """Return the matrix (size, points) of cubic convolution from `points` to `size` values.

    Keys 1981, with a = -0.75 and the ends repeated.
    """
    places = np.linspace(0, points - 1, size)
    matrix = np.zeros((size, points))
    for line, place in enumerate(places):
        for point in range(int(place) - 1, int(place) + 3):
            away = abs(place - point)
            near = (1.25 * away - 2.25) * away**2 + 1
            far = -0.75 * (away**3 - 5 * away**2 + 8 * away - 4)
            matrix[line, min(max(point, 0), points - 1)] += near if away <= 1 else far if away < 2 else 0
    return matrix
