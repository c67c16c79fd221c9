"""Image files into arrays of one size."""

import io
import warnings
from collections import Counter

import numpy as np
from PIL import Image, ImageOps

from unpoison.errors import UserError

# Far above any training image, far below what would fill the memory.
MOST_PIXELS = 64_000_000


def decode(data: bytes, name: str, image_size: int) -> np.ndarray:
    """One image as (image_size, image_size, 3) uint8; other sizes are resized, grey and palette made RGB.

    Raises:
        UserError: for bytes that are no image, or one of unreasonable size, naming it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data))
            if image.width * image.height > MOST_PIXELS:
                raise UserError(
                    f"image {name} has {image.width} x {image.height} pixels; at most {MOST_PIXELS} can be read"
                )
            pixels = to_rgb(ImageOps.exif_transpose(image))
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombWarning,
        Image.DecompressionBombError,
    ) as error:
        raise UserError(f"image {name} cannot be read ({error})") from error
    if pixels.size != (image_size, image_size):
        pixels = pixels.resize((image_size, image_size), Image.Resampling.BICUBIC)
    return np.asarray(pixels)


def to_rgb(image: Image.Image) -> Image.Image:
    """Eight bits and three channels; 16-bit grey is scaled, since a plain conversion would cut it off at 255."""
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    return image.convert("RGB")


def unique_ids(row_ids: list[str]) -> list[str]:
    """The ids, with a number added to those of identical images."""
    taken, seen = set(row_ids), Counter[str]()
    unique = []
    for row_id in row_ids:
        name = row_id
        while seen[row_id] and name in taken:
            name = f"{row_id}#{seen[row_id]}"
            seen[row_id] += 1
        seen[row_id] += not seen[row_id]
        taken.add(name)
        unique.append(name)
    return unique


def resize_all(images: np.ndarray, image_size: int) -> np.ndarray:
    """A whole array of images (n, height, width, 3) at another size; the array itself where it is that size."""
    if images.shape[1:3] == (image_size, image_size):
        return images
    size = (image_size, image_size)
    return np.stack(
        [np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)) for image in images]
    )
