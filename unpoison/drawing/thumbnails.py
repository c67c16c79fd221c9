"""Small pictures of training images, as the bytes of WebP files."""

import io
from collections.abc import Sequence

from PIL import Image

from unpoison.types import StoredImages

MOST_PIXELS = 96  # largest side
LOSSLESS = 64  # largest side in pixels without compression, so that a trigger of a few pixels survives
QUALITY = 85


def thumbnails(stored: StoredImages, rows: Sequence[int], *, most_pixels: int = MOST_PIXELS) -> list[bytes]:
    """Return a small picture of each requested image, in the order of `rows`.

    Images of up to 64 pixels are kept exactly; larger ones are scaled to at most `most_pixels` and compressed.

    Args:
        stored: images, uint8, (n, height, width, 3); may be memory-mapped, as only the requested ones are read.
        rows: positions in `stored`.
        most_pixels: largest side of a picture.
    """
    return [_webp(Image.fromarray(stored[row]), most_pixels) for row in rows]


def _webp(image: Image.Image, most_pixels: int) -> bytes:
    file = io.BytesIO()
    image.thumbnail((most_pixels, most_pixels), Image.Resampling.LANCZOS)  # never enlarges
    image.save(file, "webp", lossless=max(image.size) <= LOSSLESS, quality=QUALITY, method=4)
    return file.getvalue()
