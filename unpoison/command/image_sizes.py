"""The size to which images are resized, chosen by the images themselves."""

import statistics
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image

from unpoison.contracts.source import Pictures
from unpoison.datasets import SOURCES, peek_source

SMALLEST, LARGEST = 16, 224  # pixels
OF_NETWORKS = (32, 48, 64, 96, 128, 224)
LOOKED_AT = 200  # images
OF_FILES = (
    "image_folder",
    "class_folders",
    "image_list",
)  # sources whose files are images, and lists of them


def chosen_size(kind: str, options: Mapping[str, Any], tell: Callable[[str], object]) -> int:
    """Return the height and width in pixels that suit the images of a source.

    It is their own size if all are squares of one size from 16 to 224 pixels; else the usual size of networks nearest
    to the median of their sides.

    Args:
        tell: is called with a sentence on the choice.

    Raises:
        UserError: for a source that cannot be read.
    """
    sizes = list(_sizes(kind, options))
    sides = [side for size in sizes for side in size]
    if sides and len(set(sides)) == 1 and SMALLEST <= sides[0] <= LARGEST:
        return sides[0]
    median = statistics.median(sides) if sides else OF_NETWORKS[0]
    size = min(OF_NETWORKS, key=lambda usual: abs(usual - median))
    tell(
        f"images are resized to {size} x {size} pixels: the median side of {len(sizes)} of them is {median:g} "
        "(choose another size with --image-size)"
    )
    return size


def _sizes(kind: str, options: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Yield the width and height of some images; unreadable ones are left to the job that reads all."""
    if kind in OF_FILES:
        files = peek_source(kind, Path(), options).files
        for file in files[:: max(1, len(files) // LOOKED_AT)]:
            try:
                with Image.open(file) as image:
                    yield image.size
            except Exception:  # noqa: S112 (Pillow may raise anything)
                continue
        return
    pictures = SOURCES[kind](Path(), OF_NETWORKS[0], **options).images
    assert isinstance(pictures, Pictures), kind
    yield from (picture.size for picture in islice(pictures.each(), LOOKED_AT))
