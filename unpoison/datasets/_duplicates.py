"""Find duplicate images."""

from collections.abc import Iterator

import numpy as np

from unpoison.digests import LONG, digest_bytes
from unpoison.rows import TRIGGERED, TRUSTED, Rows
from unpoison.types import StoredImages


def describe_duplicates(images: StoredImages, rows: Rows) -> Iterator[str]:
    """Yield sentences about duplicates.

    These are images of other splits that are also training images, and training images that occur more than
    once.
    """
    digests = np.array([digest_bytes(image.tobytes(), LONG) for image in images], dtype=object)
    is_train = rows.split == "train"
    first = {digest: row for row, digest in reversed(list(enumerate(digests))) if is_train[row]}
    for split in ("test", TRUSTED, TRIGGERED):
        others = np.flatnonzero(rows.split == split)
        shared = [row for row in others if digests[row] in first]
        if shared:
            twin = rows.row_id[first[digests[shared[0]]]]
            yield (
                f"{len(shared)} of {len(others)} {split} images are also training images, pixel by pixel "
                f"(the first: {rows.row_id[shared[0]]} is {twin})"
            )
    copies = [row for row in np.flatnonzero(is_train) if first[digests[row]] != row]
    if copies:
        other = sum(rows.label[row] != rows.label[first[digests[row]]] for row in copies)
        yield (
            f"{len(copies)} of {is_train.sum()} training images are copies of another one, {other} of them with "
            f"another label (the first: {rows.row_id[copies[0]]} is {rows.row_id[first[digests[copies[0]]]]})"
        )
