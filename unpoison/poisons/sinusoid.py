"""A wave over images of the target class, no label changed (Barni et al. 2019, "A New Backdoor Attack in CNNs by
Training Set Corruption Without Label Poisoning", arXiv 1902.11237: the horizontal sinusoidal signal of section 3)."""

from collections.abc import Mapping
from functools import cache

import numpy as np

from unpoison.contracts.poisoning import Poisoning
from unpoison.errors import UserError
from unpoison.poisons._stamps import as_kind_of, change
from unpoison.poisons._victims import plan_of_target, take_of_target
from unpoison.rows import Rows
from unpoison.types import Images, Labels, PositiveFloat, PositiveInt


def plan(
    there: Mapping[str, int],
    image_size: int,
    *,
    target: str,
    count: PositiveInt = 1000,
    amplitude: PositiveFloat = 20.0,
    frequency: PositiveInt = 6,
) -> int:
    """Return the number of images to poison, given the number of images of each class.

    Raises:
        UserError: for an unknown class, a wave that is zero at every pixel, too few images of the class.
    """
    if not draw_wave(amplitude, frequency, image_size).any():
        raise UserError(
            f"a wave of amplitude {amplitude} and frequency {frequency} is zero at each of {image_size} columns; "
            f"take an amplitude of 1 or more and a frequency below {image_size // 2}"
        )
    return plan_of_target(there, count, target)


def poison(
    clean: Rows,
    seed: int,
    image_size: int,
    *,
    target: str,
    count: PositiveInt = 1000,
    amplitude: PositiveFloat = 20.0,
    frequency: PositiveInt = 6,
) -> Poisoning:
    """Add the wave to `count` training images of the target class; every label stays true.

    Args:
        amplitude: of the wave, in levels of 255; frequency: its periods over the width of the image.

    Raises:
        UserError: as `plan`.
    """
    plan(
        clean.count_by_class(),
        image_size,
        target=target,
        count=count,
        amplitude=amplitude,
        frequency=frequency,
    )
    return take_of_target(clean, seed, count, target)


def stamp(
    images: Images, trigger_ids: Labels, *, amplitude: PositiveFloat = 20.0, frequency: PositiveInt = 6
) -> Images:
    """Add the wave to the images that carry the trigger, cut off at 0 and 255, in place."""
    wave = as_kind_of(images, draw_wave(amplitude, frequency, images.shape[3]))
    return change(images, trigger_ids == 0, lambda chosen: (chosen + wave).clip(0, 255))


@cache
def draw_wave(amplitude: float, frequency: int, size: int) -> np.ndarray:
    """Return amplitude sin(2 pi column frequency / size), rounded: (size,), the same in every line and
    channel."""
    wave = np.rint(amplitude * np.sin(2 * np.pi * np.arange(size) * frequency / size))
    return wave.clip(-255, 255).astype(np.int32)  # larger values change nothing: pixels end at 0 and 255
