"""Several attacks at once, each on rows of its own (Li et al. 2024, "Multi-Trigger Backdoor Attacks: More Triggers,
More Threats", arXiv 2401.15295: the parallel attack)."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from unpoison.contracts.poisoning import Poisoning
from unpoison.errors import UserError
from unpoison.poisons import POISONS, trigger_of
from unpoison.poisons._stamps import check_count
from unpoison.rows import NONE, TEST_SPLITS, Rows
from unpoison.types import Images, Indices, Labels, Parts


def plan(there: Mapping[str, int], image_size: int, *, parts: Parts) -> int:
    """Return the number of images to poison in all, given the number of images of each class.

    Raises:
        UserError: for fewer than two or more than four parts, a part that is impossible on its own, more
            poisons than images, and parts that together need more images of a class than there are in every
            draw.
    """
    if not 2 <= len(parts) <= len(TEST_SPLITS):
        raise UserError(f"several takes 2 to {len(TEST_SPLITS)} parts; found {len(parts)}")
    count = sum(POISONS.module(part["poison"]).plan(there, image_size, **part["options"]) for part in parts)
    check_count(count, sum(there.values()), "training images")
    for name in there:
        needed = sum(_needed(part, there, name, image_size) for part in parts)
        check_count(needed, there[name], f"images of class '{name}', which the parts need together")
    return count


def poison(clean: Rows, seed: int, image_size: int, *, parts: Parts) -> Poisoning:
    """Apply the parts in turn, each to the rows that the parts before it have left.

    Args:
        parts: names of other entries of poisons, in alphabetical order.

    Raises:
        UserError: as `plan`, and for a part to which the others leave too few images of a class.
    """
    plan(clean.count_by_class(), image_size, parts=parts)
    made = list(_each(clean, seed, image_size, parts))
    return Poisoning(
        rows=np.concatenate([part.rows for part in made]),
        given_labels=np.concatenate([part.given_labels for part in made]),
        trigger_ids=np.concatenate([part.trigger_ids for part in made]),
        attacks=made[0].attacks,
        further_attacks=tuple(part.attacks for part in made[1:]),
    )


def stamp(images: Images, trigger_ids: Labels, *, parts: Parts) -> Images:
    """Stamp each image by the part that its trigger belongs to, in place."""
    for place, part in enumerate(parts):
        is_its_own = trigger_ids % len(parts) == place
        its_own = (trigger_ids // len(parts) - NONE) * is_its_own + NONE  # ids of other parts become NONE
        images = trigger_of(part["poison"], part["options"])(images, its_own)
    return images


def _needed(part: Mapping[str, Any], there: Mapping[str, int], name: str, image_size: int) -> int:
    """Return the fewest images of a class that a part needs, if it may take all of the other classes."""

    def can_do_with(count: int) -> bool:
        try:
            POISONS.module(part["poison"]).plan({**there, name: count}, image_size, **part["options"])
        except UserError:
            return False
        return True

    return 0 if can_do_with(0) else bisect_left(range(there[name]), True, key=can_do_with)


def _each(clean: Rows, seed: int, image_size: int, parts: Sequence[Mapping[str, Any]]) -> Iterator[Poisoning]:
    """Yield the poisoning of each part, with positions in all rows and with trigger ids that no other part
    has."""
    free: Indices = np.arange(len(clean))
    for place, part in enumerate(parts):
        try:
            made = POISONS[part["poison"]](clean.take(free), seed, image_size, **part["options"])
        except UserError as error:
            raise UserError(f"several: together with the other attacks, {part['poison']}: {error}") from error
        yield Poisoning(
            rows=free[made.rows],
            given_labels=made.given_labels,
            trigger_ids=_of_part(made.trigger_ids, place, len(parts)),
            attacks={
                label: (int(_of_part(trigger, place, len(parts))), target)
                for label, (trigger, target) in made.attacks.items()
            },
        )
        free = np.delete(free, made.rows)


def _of_part(trigger_ids: Any, place: int, parts: int) -> np.ndarray:
    """Return a part's trigger ids as ids of the whole attack, from which `stamp` recovers the part and its
    own id."""
    return np.where(np.equal(trigger_ids, NONE), NONE, np.multiply(trigger_ids, parts) + place)
