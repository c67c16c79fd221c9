"""Image files into one array."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unpoison.datasets._images import decode
from unpoison.errors import UserError
from unpoison.types import StoredImages


def room_for(count: int, image_size: int) -> StoredImages:
    """Return an array for that many images, (count, image_size, image_size, 3) uint8, of any values.

    Raises:
        UserError: for more images than fit into memory.
    """
    try:
        return np.empty((count, image_size, image_size, 3), np.uint8)
    except MemoryError as error:
        raise UserError(
            f"{count} images of {image_size} x {image_size} pixels do not fit into memory; lower image_size"
        ) from error


def decode_files(files: Sequence[tuple[str, Path]], image_size: int) -> StoredImages:
    """Return the images of files as (n, image_size, image_size, 3) uint8.

    Args:
        files: each image's name, for errors, and where it is.

    Raises:
        UserError: for a file that cannot be read or is no image, and for more images than fit into memory.
    """
    images = room_for(len(files), image_size)
    for place, (name, path) in enumerate(files):
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UserError(f"image {path} cannot be read ({error.strerror})") from error
        images[place] = decode(data, name, image_size)
    return images
