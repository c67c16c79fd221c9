"""Several attacks at once, each on rows of its own (Li et al. 2024, "Multi-Trigger Backdoor Attacks: More Triggers,
More Threats", arXiv 2401.15295: the parallel attack)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from unpoison.errors import UserError
from unpoison.poisons import POISONS, trigger_of
from unpoison.poisons._poisoning import Poisoning, check_count
from unpoison.rows import NONE, TEST_SPLITS, Rows
from unpoison.types import Images, Indices, Labels, Parts


def plan(there: Mapping[str, int], image_size: int, *, parts: Parts) -> int:
    """How many images are poisoned in all, given how many there are of each class.

    Raises:
        UserError: for fewer than two parts, more than four, a part that could not be had alone, more poisons in all
            than images.
    """
    if not 2 <= len(parts) <= len(TEST_SPLITS):
        raise UserError(f"several takes 2 to {len(TEST_SPLITS)} parts; found {len(parts)}")
    count = sum(POISONS.module(part["poison"]).plan(there, image_size, **part["options"]) for part in parts)
    check_count(count, sum(there.values()), "training images")
    return count


def poison(clean: Rows, seed: int, image_size: int, *, parts: Parts) -> Poisoning:
    """Poison with each part what those before it have left.

    Args:
        parts: names of other entries of poisons, taken in the order of the alphabet.

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
    """Stamp each image as the part does that its trigger is of, in place."""
    for place, part in enumerate(parts):
        its_own = trigger_ids // len(parts)
        its_own[trigger_ids % len(parts) != place] = NONE
        images = trigger_of(part["poison"], part["options"])(images, its_own)
    return images


def _each(clean: Rows, seed: int, image_size: int, parts: Sequence[Mapping[str, Any]]) -> Iterator[Poisoning]:
    """What each part does, by positions in all rows and by triggers that no other part has."""
    free: Indices = np.arange(len(clean))
    for place, part in enumerate(parts):
        try:
            made = POISONS[part["poison"]](clean.take(free), seed, image_size, **part["options"])
        except UserError as error:
            raise UserError(f"beside the other attacks of several, {part['poison']}: {error}") from error
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
    """A part's trigger ids as ids of the whole attack, from which `stamp` finds part and id again."""
    return np.where(np.equal(trigger_ids, NONE), NONE, np.multiply(trigger_ids, parts) + place)
