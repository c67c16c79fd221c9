"""Image files as pictures that are read one after the other."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from unpoison.contracts.source import Pictures
from unpoison.datasets._images import decode
from unpoison.errors import UserError


def pictures_of(files: Sequence[tuple[str, Path]]) -> Pictures:
    """Return the images of files.

    Args:
        files: each image's name, for errors, and where it is.

    Raises:
        UserError: when they are read, for a file that cannot be read or is no image.
    """

    def each() -> Iterator[Image.Image]:
        for name, path in files:
            try:
                data = path.read_bytes()
            except OSError as error:
                raise UserError(f"image {path} cannot be read ({error.strerror})") from error
            yield decode(data, name)

    return Pictures(len(files), each)
