"""Decode image files into pixels."""

import io
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageFile, UnidentifiedImageError

from unpoison.datasets._exif import upright
from unpoison.errors import UserError
from unpoison.pixel_levels import Loaded, load, to_rgb

# The formats that are read, by Pillow's names, and the endings of their files. Pillow knows more: some of
# them start other programs (EPS starts Ghostscript).
FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)

# Far above any training image, and far below the memory of a machine. The longest side is the maximum of
# JPEG: longer lines are not pictures, and decoding them costs more than their pixels.
MOST_PIXELS = 64_000_000
LONGEST_SIDE = 65_535


def decode(data: bytes, name: str) -> Image.Image:
    """Return one image in RGB, as a viewer shows it on a white page, in the size of its file.

    Transparency is composited on white, deep samples are scaled to 8 bits, the EXIF orientation is applied.
    The first of several frames is read.

    Raises:
        UserError: for bytes that are not a complete image in one of `FORMATS`, for an image above the size
            limits, and for samples of unknown range. The message has the name.
    """
    with _strict_pillow():
        try:
            loaded = _load(data, name)
            return upright(to_rgb(loaded), loaded.image.info)
        except UserError:
            raise
        except Exception as error:  # Pillow raises errors of many types
            raise UserError(f"image {name} cannot be read ({_reason(error, data)})") from error


def unique_ids(row_ids: list[str]) -> list[str]:
    """Return the ids, with a number added to those of identical images."""
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


@contextmanager
def _strict_pillow() -> Iterator[None]:
    """Refuse truncated images, whatever Pillow's global setting, and silence warnings about odd metadata."""
    lenient = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = lenient


def _load(data: bytes, name: str) -> Loaded:
    image = _open(data)
    _check_size(image, name)
    _check_whole(image, data)
    return load(image, reopen=lambda: _open(data))


def _open(data: bytes) -> ImageFile.ImageFile:
    return Image.open(io.BytesIO(data), formats=list(FORMATS))


def _check_size(image: Image.Image, name: str) -> None:
    found = f"image {name} has {image.width} x {image.height} pixels"
    if image.width * image.height > MOST_PIXELS:
        raise UserError(f"{found}; at most {MOST_PIXELS} can be read")
    if max(image.size) > LONGEST_SIDE:
        raise UserError(f"{found}; at most {LONGEST_SIDE} can be read along a side")


def _check_whole(image: ImageFile.ImageFile, data: bytes) -> None:
    """Raise an error for a truncated file that Pillow's decoders would accept."""
    if image.format == "PNG":
        _open(data).verify()
    assert image.fp is not None
    # Pillow has read a JPEG up to its pixels. An end marker before that position belongs to a thumbnail.
    if image.format == "JPEG" and data.find(b"\xff\xd9", image.fp.tell()) < 0:
        raise OSError("image file is truncated")


def _reason(error: Exception, data: bytes) -> str:
    if not isinstance(error, UnidentifiedImageError):
        return " ".join(str(error).split()) or type(error).__name__
    for name in FORMATS:  # the error's own message only has the address of an object
        _, starts_so = Image.OPEN[name]
        if starts_so and starts_so(data[:16].ljust(16)):
            return f"it starts as a {name} image, and is damaged or holds samples of a kind that is not read"
    return f"it is no {', '.join(FORMATS)} image"
