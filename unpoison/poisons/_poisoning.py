"""What every poison hands over, and how an image is changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np

from unpoison.errors import UserError
from unpoison.rows import NONE, TEST_SPLITS, Rows, joined
from unpoison.types import Images, Indices, Labels

CORNERS = ("top_left", "top_right", "bottom_left", "bottom_right")
Attacks = Mapping[int, tuple[int, int]]


@dataclass(frozen=True)
class Poisoning:
    """The rows that an attacker changed, and what his test-time attack does to each class.

    rows: positions in the training rows handed to the poison; given_labels, trigger_ids: one for each of
    them, -1 for none; attacks: for a class (by label), the trigger that a test image of it is stamped with
    and the label that the attacker wants it to get. A class whose trigger is -1 is attacked as it is: its
    untouched images are to be taken for another class. Classes that are not in `attacks` are not attacked.
    further_attacks: of several attacks at once, what each one after the first does.
    """

    rows: Indices
    given_labels: Labels
    trigger_ids: Labels
    attacks: Attacks
    further_attacks: tuple[Attacks, ...] = ()


def apply(poisoning: Poisoning, rows: Rows) -> Rows:
    """All rows of the data set with the poisoned ones marked, and the test rows told their trigger and target.

    Of several attacks, each one after the first has the test rows of its classes once more, at the end.
    """
    chosen = np.flatnonzero(rows.split == "train")[poisoning.rows]
    given_label, trigger_id, is_poisoned = (
        rows.given_label.copy(),
        rows.trigger_id.copy(),
        rows.is_poisoned.copy(),
    )
    is_poisoned[chosen] = True
    given_label[chosen] = poisoning.given_labels
    trigger_id[chosen] = poisoning.trigger_ids
    poisoned = replace(rows, given_label=given_label, trigger_id=trigger_id, is_poisoned=is_poisoned)
    again = [
        _once_more(rows.of("test"), attacks, split)
        for attacks, split in zip(poisoning.further_attacks, TEST_SPLITS[1:], strict=False)
    ]
    return joined([_attacked(poisoned, poisoning.attacks), *again])


def _attacked(rows: Rows, attacks: Attacks) -> Rows:
    """The rows, those of the test told what the attacks do to their class."""
    trigger_id, target = rows.trigger_id.copy(), rows.target.copy()
    for label, (trigger, wanted) in attacks.items():
        those = np.isin(rows.split, TEST_SPLITS) & (rows.label == label)
        trigger_id[those], target[those] = trigger, wanted
    return replace(rows, trigger_id=trigger_id, target=target)


def _once_more(test: Rows, attacks: Attacks, split: str) -> Rows:
    """The test rows of the attacked classes as another split."""
    those = test.take(np.isin(test.label, list(attacks)))
    return _attacked(replace(those, split=np.full(len(those), split, dtype=object)), attacks)


def change(images: Images, where: Any, formula: Callable[[Any], Any]) -> Images:
    """The images, those chosen by the mask replaced in place by what integer arithmetic makes of them.

    Integers, so that NumPy, a CPU and a GPU give the same pixels.
    """
    changed = formula(images[where])
    images[where] = changed if isinstance(images, np.ndarray) else changed.to(images.dtype)
    return images


def as_kind_of(images: Images, constant: np.ndarray) -> Any:
    """A constant as what the images are: an array of NumPy's, or a tensor on their device."""
    if isinstance(images, np.ndarray):
        return constant
    return import_module("torch").from_numpy(constant).to(images.device)


def stamp_patch(images: Images, corner: str, size: int, value: int) -> Images:
    """The images with a square of `size` pixels in one corner set to `value` in every channel."""
    height, width = images.shape[2:]
    down = slice(0, size) if corner.startswith("top") else slice(height - size, height)
    across = slice(0, size) if corner.endswith("left") else slice(width - size, width)
    images[:, :, down, across] = value
    return images


def stamped_classes(poisoning: Poisoning) -> set[int]:
    """The classes whose images the attacker stamps with a trigger to have them taken for another class."""
    every = (poisoning.attacks, *poisoning.further_attacks)
    return {
        label
        for attacks in every
        for label, (trigger, wanted) in attacks.items()
        if trigger != NONE and wanted != label
    }


def check_triggered(wanted: int, there: int) -> None:
    """Refuse to stamp more trusted rows than there are of the classes that the attack is on."""
    if wanted > there:
        raise UserError(
            f"{wanted} triggered examples are asked for; {there} validation rows can be stamped with a trigger: "
            "those of the classes that the attack is on"
        )


def check_patch(image_size: int, corner: str, size: int, value: int) -> None:
    """Refuse a patch that cannot be stamped."""
    if corner not in CORNERS:
        raise UserError(f"unknown corner '{corner}'; choose from {', '.join(CORNERS)}")
    if not 1 <= size <= image_size:
        raise UserError(
            f"the patch is {size} pixels wide; it must be 1 to {image_size}, the size of the images"
        )
    if not 0 <= value <= 255:
        raise UserError(f"the patch has value {value}; a pixel is 0 to 255")


def check_count(wanted: int, there: int, what: str) -> None:
    """Refuse to poison more images than there are."""
    if wanted > there:
        raise UserError(f"cannot poison {wanted} {what}: there are {there}")
