"""Plant an attack in a data set, to measure detectors and repairs against the known poisons."""

from collections.abc import Sequence
from functools import partial
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor

from unpoison.arguments import check_data, check_seed, check_word, copy_for, options_of
from unpoison.attacks import lay_over, perturbed, plant
from unpoison.data import Data
from unpoison.devices import computing_repeatably
from unpoison.errors import UserError
from unpoison.networks import Classifier
from unpoison.options import check_options
from unpoison.pixels import Stamp, StampTime
from unpoison.poisons import POISONS, trigger_of
from unpoison.rows import NONE, Rows
from unpoison.types import StoredImages

PARTS = 'a list of {"poison": name, "options": {...}}'


def poison(
    data: Data,
    attack: str,
    *,
    seed: int = 0,
    stamp: StampTime = "after_augmentation",
    surrogate: Classifier | None = None,
    **options: Any,
) -> Data:
    """Return the data set with an attack planted in its training rows, so that the poisons are known.

    The given labels of the training rows are assumed to be the true ones.

    Args:
        attack: a name of POISONS; options: its own. The parts of `several` are {"poison": name, "options": {...}};
            `unpoisoned` plants nothing, and declares all training rows clean.
        stamp: whether the trigger is stamped after or before augmentation.
        surrogate: the attacker's own network, for attacks that change images by more than a stamp.

    Raises:
        UserError: for an unknown attack, an option that is unknown or out of range, more poisons than images, and data
            that already have a planted attack.
    """
    check_data(data)
    check_seed(seed)
    check_word("stamp", stamp, get_args(StampTime))
    checked = _checked(attack, options_of(POISONS, attack, options))
    is_clean = POISONS.constant(attack, "IS_CLEAN", False)
    if not (is_clean or POISONS.constant(attack, "PLANTS", True)):
        raise UserError(f"the attack {attack} plants nothing; data are as found before poison is called")
    if data.is_planted:
        raise UserError(
            "the data have an attack planted already; plant several at once by the attack several"
        )
    needs_surrogate = "surrogate" in POISONS.constant(attack, "NEEDS", ())
    if needs_surrogate != (surrogate is not None):
        told = "needs a network of the attacker's: give" if needs_surrogate else "needs no"
        raise UserError(f"the attack {attack} {told} surrogate")
    there = data.rows.of("train").count_by_class()
    POISONS.module(attack).plan(there, data.image_size, **checked)
    rows, images = plant(POISONS[attack], data.rows, seed, data.image_size, checked), data.images
    if is_clean:
        return Data.of_rows(images, rows)
    if surrogate is not None:
        images = _perturbed(data, rows, attack, surrogate, checked)
    put_on = trigger_of(attack, checked)
    _check_stamp(put_on, np.unique(rows.trigger_id[rows.trigger_id != NONE]).tolist(), data.image_size)
    return Data.of_rows(images, rows, put_on, stamp)


def _checked(attack: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the checked options of an attack; the parts of several attacks are checked one by one."""
    known = POISONS.options(attack)
    names = _part_options(attack)
    check_options({name: [] if name in names else value for name, value in options.items()}, known, attack)
    for name in names:
        if not isinstance(options[name], list):
            raise UserError(f"{attack}.{name}: found {options[name]!r}, allowed: {PARTS}")
        for part in options[name]:
            _check_part(f"{attack}.{name}", part)
    return options


def _check_part(where: str, part: Any) -> None:
    if (
        not isinstance(part, dict)
        or set(part) != {"poison", "options"}
        or not isinstance(part["options"], dict)
    ):
        raise UserError(f"{where}: found {part!r}, allowed: {PARTS}")
    kind = part["poison"]
    options_of(POISONS, kind, part["options"])
    if _part_options(kind) or "surrogate" in POISONS.constant(kind, "NEEDS", ()):
        raise UserError(f"{where}: found {kind}, allowed: attacks that have no parts and need no surrogate")
    if not POISONS.constant(kind, "PLANTS", True):
        raise UserError(f"{where}: found {kind}, which plants nothing")


def _part_options(attack: str) -> list[str]:
    return [name for name, option in POISONS.options(attack).items() if option.annotation == "Parts"]


def _perturbed(
    data: Data, rows: Rows, attack: str, surrogate: Classifier, options: dict[str, Any]
) -> StoredImages:
    """Return the images, with those of the poisoned rows perturbed against the attacker's network."""
    taken = {name: value for name, value in options.items() if name in POISONS.options(attack, "perturb")}
    train_rows = rows.of("train")
    poisoned = train_rows.take(train_rows.poisoned("an attack"))
    with computing_repeatably():
        copied = copy_for(surrogate, data)
        device = next(copied.parameters()).device
        made = perturbed(
            partial(POISONS.module(attack).perturb, **taken), copied, data.images, poisoned, device
        )
    return lay_over(np.array(data.images), rows, made)


def _check_stamp(stamp: Stamp, triggers: Sequence[int], image_size: int) -> None:
    """Refuse a stamp that does not return uint8 images of the same size."""
    for trigger in triggers:
        images = torch.zeros((1, 3, image_size, image_size), dtype=torch.uint8)
        found = stamp(images, torch.tensor([trigger]))
        if not isinstance(found, Tensor) or found.dtype != torch.uint8 or found.shape != images.shape:
            said = (
                f"{found.dtype} {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
            )
            raise UserError(
                f"the stamp gives {said}, allowed: images like those it is given, {tuple(images.shape)}"
            )
