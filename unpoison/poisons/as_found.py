"""Nothing is planted: the training images and their labels are used as they were found."""

from collections.abc import Mapping

import numpy as np

from unpoison.contracts.poisoning import Poisoning
from unpoison.errors import UserError, one_of
from unpoison.row_lists import find_rows, read_row_ids
from unpoison.rows import NONE, Rows
from unpoison.types import Images, Labels

PLANTS = False
FILES = ("truth",)  # options that name files in `data_folder`


def plan(
    there: Mapping[str, int], image_size: int, *, truth: str | None = None, target: str | None = None
) -> int:
    """Return the number of training rows that are listed as poisoned, 0 without a list.

    Raises:
        UserError: for an unknown class, and a list that is empty or cannot be read.
    """
    if target is not None and target not in there:
        raise one_of("target class", target, there)
    listed = set(read_row_ids(truth)) if truth else set()
    if truth and not listed:
        raise UserError(f"truth: {truth} lists no row; allowed: one or more, or no list where nobody knows")
    return len(listed)


def poison(
    clean: Rows, seed: int, image_size: int, *, truth: str | None = None, target: str | None = None
) -> Poisoning:
    """Leave all rows as they are, and record what the user knows about them.

    Args:
        truth: a CSV or Parquet file with a column row_id, the training rows that are poisoned; all others
            then count as clean. None: it is unknown which rows are poisoned.
        target: the class that the attacker wants for the triggered images of the source, if known.

    Raises:
        UserError: as `plan`, and for a listed row that is not a training row.
    """
    plan(clean.count_by_class(), image_size, truth=truth, target=target)
    rows = find_rows(clean, read_row_ids(truth), "listed") if truth else np.array([], np.int64)
    wanted = NONE if target is None else clean.class_names.index(target)
    return Poisoning(
        rows=rows,
        given_labels=clean.given_label[rows],
        trigger_ids=np.full(len(rows), NONE),
        attacks=dict.fromkeys(range(len(clean.class_names)), (0, wanted)),
        is_planted=False,
        is_known=truth is not None,
    )


def stamp(images: Images, trigger_ids: Labels) -> Images:
    """Return the images as they are: triggered ones carry their trigger already."""
    return images
