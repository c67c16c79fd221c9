"""Samples of any depth, with or without transparency, as 8-bit RGB on white."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFile, TiffImagePlugin

BITS, PHOTOMETRIC, COLOUR_MAP, PLANAR, SAMPLE_FORMAT, SUBSAMPLING = 258, 262, 320, 284, 339, 530  # TIFF tags
WHITE_IS_ZERO, YCBCR, PLANES, SIGNED = 0, 6, 2, 2  # their values
DEEPEST = 65_535  # white of 16 bits
NEARLY_BLACK = 4096  # samples of 10 and 12 bits stay below it
# The raw mode that reads the other byte of each 16-bit sample, by the last letter of the one that Pillow uses.
OTHER_BYTE = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}


@dataclass(frozen=True)
class Loaded:
    """A loaded image, and facts about its file that Pillow does not keep.

    raw_mode: Pillow's name for the file's packing of samples; frame: the box that a GIF's first frame
    covers; low: the lower bytes of 16-bit colours, whose upper bytes are in `image`.
    """

    image: Image.Image
    raw_mode: str = ""
    frame: tuple[int, int, int, int] | None = None
    low: np.ndarray | None = None


def load(image: ImageFile.ImageFile, reopen: Callable[[], ImageFile.ImageFile]) -> Loaded:
    """Decode the first frame; `reopen` opens the file again, for the lower bytes of 16-bit colours."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _check_tiff(image)
    raw_mode = _raw_mode(image)
    frame = image.tile[0].extents if image.format == "GIF" else None
    low = _low_bytes(image, raw_mode, reopen)
    image.load()
    if isinstance(image.info.get("transparency"), str):  # a PNG text chunk with that title
        del image.info["transparency"]
    return Loaded(image, raw_mode, frame, low)


def to_rgb(loaded: Loaded) -> Image.Image:
    """Return a loaded image as RGB: deep samples scaled to 8 bits, transparency composited on white.

    Raises:
        ValueError: for samples whose range is not known, and for a palette that is missing.
    """
    image = loaded.image
    if image.mode == "F" or image.mode.startswith("I"):
        return _from_deep_grey(image)
    if image.mode in ("P", "PA") and image.palette is None:
        raise ValueError("it has no palette")
    if loaded.low is not None:
        image = _from_deep_colours(image, loaded.low)
    if image.format == "BMP" and image.mode == "RGBA" and not image.getchannel("A").getbbox():
        image = image.convert("RGB")  # programs without alpha support leave zeros there
    _mend_transparency(image, loaded.raw_mode)
    _mend_colour_map(image)
    if image.mode == "La":  # grey, premultiplied
        image = image.convert("LA")
    pixels = _on_white(image.convert("RGBA")) if image.has_transparency_data else image.convert("RGB")
    return _on_canvas(pixels, loaded.frame)


# -- before decoding --------------------------------------------------------------------------------


def _raw_mode(image: ImageFile.ImageFile) -> str:
    if not image.tile:  # WebP
        return ""
    arguments = image.tile[0].args
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _low_bytes(
    image: ImageFile.ImageFile, raw_mode: str, reopen: Callable[[], ImageFile.ImageFile]
) -> np.ndarray | None:
    """Return the lower bytes of 16-bit RGB or RGBA, whose upper bytes Pillow reads; None for other kinds."""
    colours = re.fullmatch(r"(RGB|RGBX|RGBA);16([BLN])", raw_mode)
    is_grey = raw_mode == "LA;16B"  # four bytes a pixel, read as four samples
    if not is_grey and (colours is None or _tag(image, PLANAR) == PLANES):
        return None
    other = f"{colours[1]};16{OTHER_BYTE[colours[2]]}" if colours else "RGBA"
    twin = reopen()
    twin.tile = [
        tile._replace(args=(other, *tile.args[1:]) if isinstance(tile.args, tuple) else other)
        for tile in twin.tile
    ]
    low = np.asarray(twin)
    return low[:, :, [1, 1, 1, 3]] if is_grey else low


def _tag(image: Image.Image, tag: int, default: object = None) -> object:
    """Return the value of a TIFF tag, the first if there are several; the default for other formats."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return default
    value = image.tag_v2.get(tag, default)
    return value[0] if isinstance(value, tuple) else value


def _check_tiff(image: TiffImagePlugin.TiffImageFile) -> None:
    """Raise an error for samples that Pillow silently decodes into wrong pixels."""
    is_raw = image.tile[0].codec_name == "raw"
    if _tag(image, SAMPLE_FORMAT) == SIGNED and _tag(image, BITS) == 8:
        raise ValueError("its samples are signed bytes; save it with unsigned ones")
    if is_raw and _tag(image, PLANAR) == PLANES and _tag(image, BITS) == 16:
        raise ValueError("its 16-bit colours lie in separate planes without compression; save them together")
    if is_raw and _tag(image, PHOTOMETRIC) == YCBCR and image.tag_v2.get(SUBSAMPLING) != (1, 1):
        raise ValueError("its colours are subsampled YCbCr without compression; save it as RGB")


# -- after decoding ---------------------------------------------------------------------------------


def _from_deep_grey(image: Image.Image) -> Image.Image:
    samples = np.asarray(image)
    levels = _levels_of_floats(samples) if image.mode == "F" else _levels_of_integers(samples, image)
    if _tag(image, PHOTOMETRIC) == WHITE_IS_ZERO:
        levels = 255 - levels
    if "transparency" in image.info:
        levels = np.where(samples == image.info["transparency"], np.uint8(255), levels)
    return Image.fromarray(levels).convert("RGB")


def _white(image: Image.Image) -> int:
    """Return the sample value of white: the largest of its bit depth, at most that of 16 bits."""
    bits = _tag(image, BITS, 16)
    assert isinstance(bits, int)
    if bits == 16 and _tag(image, SAMPLE_FORMAT) == SIGNED:
        bits = 15
    return min(2**bits - 1, DEEPEST)


def _levels_of_integers(samples: np.ndarray, image: Image.Image) -> np.ndarray:
    white = _white(image)
    darkest, brightest = int(samples.min()), int(samples.max())
    if darkest < 0 or brightest > white:
        raise ValueError(
            f"its samples go from {darkest} to {brightest}; deep samples are read from 0 to {white}"
        )
    if white >= 2**15 - 1:
        _check_bright(darkest, brightest, white, is_opaque="transparency" not in image.info)
    table = (np.arange(white + 1) * 255 + white // 2) // white
    return table.astype(np.uint8)[samples]


def _check_bright(darkest: int, brightest: int, white: int, is_opaque: bool) -> None:
    """Raise an error for samples of 8 to 12 bits stored in 16: the image would look black.

    Dark ink on a transparent ground stays visible, so there only samples below 256 count as 8-bit samples.
    """
    if 0 < brightest < (NEARLY_BLACK if is_opaque else 256):
        raise ValueError(
            f"its samples go from {darkest} to {brightest}, which is black where white is {white}; "
            f"scale them to 0 to {white}, or save samples from 0 to 255 with 8 bits"
        )


def _levels_of_floats(samples: np.ndarray) -> np.ndarray:
    darkest, brightest = float(samples.min()), float(samples.max())
    if not np.isfinite([darkest, brightest]).all():  # NaN propagates into min and max
        raise ValueError("it has samples that are not finite numbers")
    is_unit = darkest * 255 > -0.5 and brightest * 255 < 255.5  # resizing overshoots by less than a level
    if not is_unit and not (darkest >= 0 and brightest <= 255 and (samples == np.rint(samples)).all()):
        raise ValueError(
            f"its samples go from {darkest:g} to {brightest:g}; floats are read from 0 to 1, "
            "and whole numbers from 0 to 255"
        )
    return np.rint(samples * 255 if is_unit else samples).astype(np.uint8)


def _from_deep_colours(image: Image.Image, low: np.ndarray) -> Image.Image:
    """Return 16-bit colours, given as upper and lower bytes, rounded to 8 bits."""
    high = np.asarray(image)
    colours = high[:, :, :3].astype(np.uint16) << 8 | low[:, :, :3]
    is_opaque = "transparency" not in image.info and bool((high[:, :, 3:] == 255).all())
    _check_bright(int(colours.min()), int(colours.max()), DEEPEST, is_opaque)
    step = low.astype(np.int16) - high  # the sample is 257 * high + step, and a level spans 257 samples
    levels = (high + (step > 128) - (step < -128)).astype(np.uint8)
    key = image.info.get("transparency")
    if key is not None:
        is_ink = (high != np.array(key) // 256).any(axis=2) | (low != np.array(key) % 256).any(axis=2)
        levels = np.dstack([levels, is_ink * np.uint8(255)])
    return Image.fromarray(levels)


def _mend_transparency(image: Image.Image, raw_mode: str) -> None:
    """Scale the transparent level of a 2-bit or 4-bit PNG in the same way as Pillow scales its samples."""
    depth = {"L;2": 2, "L;4": 4}.get(raw_mode)
    if depth and image.format == "PNG" and "transparency" in image.info:
        image.info["transparency"] *= 255 // (2**depth - 1)


def _mend_colour_map(image: Image.Image) -> None:
    """Read an 8-bit TIFF palette as bytes: Pillow reads 16 bits and makes it black, other readers do not."""
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.mode in ("P", "PA"):
        colours = image.tag_v2[COLOUR_MAP]
        if max(colours) < 256:
            image.putpalette(bytes(colours), "RGB;L")


def _on_white(image: Image.Image) -> Image.Image:
    page = Image.new("RGB", image.size, "white")
    page.paste(image, mask=image)
    return page


def _on_canvas(image: Image.Image, frame: tuple[int, int, int, int] | None) -> Image.Image:
    """Return the image with white outside of the frame."""
    if frame is None or frame == (0, 0, *image.size):
        return image
    page = Image.new("RGB", image.size, "white")
    page.paste(image.crop(frame), frame[:2])
    return page
