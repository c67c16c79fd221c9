"""Images brought to a square of one size: stretched, padded or cropped."""

from dataclasses import dataclass

from PIL import Image, ImageOps

from unpoison.errors import UserError, one_of

WAYS = ("stretch", "pad", "crop")
FILTERS = ("bicubic", "bilinear", "nearest", "lanczos")
BARS = "black"  # of padded images, as in a letterboxed film


@dataclass(frozen=True)
class Resizing:
    """The method that makes images of other sizes square.

    resize: `stretch` changes the aspect ratio, `pad` keeps it and adds black bars, `crop` keeps it and cuts off the
    ends of the longer side. interpolation: the resampling filter of Pillow.

    Raises:
        UserError: for any other word.
    """

    resize: str = "stretch"
    interpolation: str = "bicubic"

    def __post_init__(self) -> None:
        for name, allowed in (("resize", WAYS), ("interpolation", FILTERS)):
            if getattr(self, name) not in allowed:
                raise one_of(name, getattr(self, name), allowed)

    def square(self, image: Image.Image, size: int) -> Image.Image:
        """Return the image with `size` pixels in height and width; the image itself if it has that size."""
        if image.size == (size, size):
            return image
        method = Image.Resampling[self.interpolation.upper()]
        if self.resize == "crop":
            return ImageOps.fit(image, (size, size), method)
        if self.resize == "stretch":
            return image.resize((size, size), method)
        longest = max(image.size)
        # At least one pixel: a side rounded to zero could not be resized.
        width, height = (max(1, round(side * size / longest)) for side in image.size)
        page = Image.new(image.mode, (size, size), BARS)
        page.paste(image.resize((width, height), method), ((size - width) // 2, (size - height) // 2))
        return page


STRETCHED = Resizing()


def check_size(what: str, size: object, least: int, most: int) -> int:
    """Return an image size in pixels.

    Raises:
        UserError: for anything but an integer from `least` to `most`.
    """
    if not isinstance(size, int) or isinstance(size, bool) or not least <= size <= most:
        raise UserError(f"{what}: found {size!r}, allowed: an integer from {least} to {most}")
    return size
