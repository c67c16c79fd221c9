"""Decode image files into pictures, one after the other."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from unpoison.contracts.source import Pictures
from unpoison.datasets._images import decode
from unpoison.errors import UserError


def pictures_of(files: Sequence[tuple[str, Path]]) -> Pictures:
    """Return the images of files, which are decoded only when they are read.

    Args:
        files: the name of each image, for error messages, and its path.

    Raises:
        UserError: while the images are read: for a file that cannot be read or is not an image.
    """

    def each() -> Iterator[Image.Image]:
        for name, path in files:
            try:
                data = path.read_bytes()
            except OSError as error:
                raise UserError(f"image {path} cannot be read ({error.strerror})") from error
            yield decode(data, name)

    return Pictures(len(files), each)
