"""The control: nothing is planted, and every training row counts as clean."""

from collections.abc import Mapping

import numpy as np

from unpoison.contracts.poisoning import Poisoning
from unpoison.rows import Rows
from unpoison.types import Images, Labels

PLANTS = False
IS_CLEAN = True  # known to be clean, unlike data as found


def plan(there: Mapping[str, int], image_size: int) -> int:
    """Return the number of poisoned training rows, 0."""
    return 0


def poison(clean: Rows, seed: int, image_size: int) -> Poisoning:
    """Return no row and no attack: every row that a detector accuses is a false positive."""
    nothing = np.array([], np.int64)
    return Poisoning(rows=nothing, given_labels=nothing, trigger_ids=nothing, attacks={})


def stamp(images: Images, trigger_ids: Labels) -> Images:
    """Return the images as they are: there is no trigger."""
    return images
