"""Apply the orientation that a camera wrote into an image."""

import struct
from collections.abc import Mapping
from typing import Any

from PIL import Image

TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ORIENTATION = 0x0112
WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I"}  # the types of TIFF tags: BYTE, SHORT, LONG


def upright(image: Image.Image, info: Mapping[Any, Any]) -> Image.Image:
    """Return the image turned by the EXIF orientation in `info`, or unchanged if none of 1 to 8 is there."""
    exif = info.get("exif") or _raw_profile(info.get("Raw profile type exif"))
    transpose = TRANSPOSES.get(orientation(exif)) if isinstance(exif, bytes) else None
    return image if transpose is None else image.transpose(transpose)


def orientation(exif: bytes) -> int:
    """Return the orientation of an EXIF block, or 1 if none can be read.

    Pillow's reader stops at the first broken tag and then finds no orientation. This one reads only the
    orientation tag.
    """
    while exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, values = struct.unpack_from(f"{order}HHI", exif, place)
            if tag == ORIENTATION and kind in WHOLE_NUMBERS and values == 1:
                return int(struct.unpack_from(order + WHOLE_NUMBERS[kind], exif, place + 8)[0])
    except struct.error:  # the block ends before the orientation
        pass
    return 1


def _raw_profile(text: Any) -> bytes | None:
    """Return the EXIF block that ImageMagick writes into PNG, or None for other text.

    The text is three lines of header, then hexadecimal digits.
    """
    if not isinstance(text, str):
        return None
    try:
        return bytes.fromhex("".join(text.split("\n")[3:]))
    except ValueError:
        return None
