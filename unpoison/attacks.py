"""An attack applied to a data set: its rows, and images that are changed by more than a stamp."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from unpoison.contracts.poisoning import Attacks, Poisoning
from unpoison.errors import UserError
from unpoison.files import map_array
from unpoison.rows import NONE, TEST_SPLITS, TRIGGERED, Rows, joined
from unpoison.seeds import draw
from unpoison.types import Images, Mask, StoredImages

BATCH = 200


def plant(
    poison: Callable[..., Poisoning],
    rows: Rows,
    seed: int,
    image_size: int,
    options: Mapping[str, Any],
    *,
    avoided: Mask | None = None,
) -> Rows:
    """Return the rows of a data set with an attack planted; given labels of training rows count as their true labels.

    Args:
        avoided: training rows that the attack is not planted on; None: it may be on all.
    """
    given = replace(rows, label=np.where(rows.split == "train", rows.given_label, rows.label))
    clean = replace(given, is_poisoned=np.zeros(len(rows), dtype=bool))
    train = clean.of("train")
    if avoided is None:
        return apply(poison(train, seed, image_size, **options), clean)
    free = np.flatnonzero(~avoided)
    poisoning = poison(train.take(free), seed, image_size, **options)
    _check(poisoning, train.take(free))
    return apply(replace(poisoning, rows=free[poisoning.rows]), clean)


def apply(poisoning: Poisoning, rows: Rows) -> Rows:
    """Return all rows of the data set, with poisoned rows marked and with the trigger and target of test rows.

    With several attacks, each one after the first gets its own copy of the test rows of its classes, at the end.
    Triggered images belong to an attack as found, so a planted attack leaves them out.

    Raises:
        UserError: for rows and classes that the data set does not have.
    """
    _check(poisoning, rows)
    if not poisoning.is_planted:
        return _as_found(poisoning, rows)
    rows = rows.take(rows.split != TRIGGERED)
    chosen = np.flatnonzero(rows.split == "train")[poisoning.rows]
    given_label, trigger_id = rows.given_label.copy(), rows.trigger_id.copy()
    is_poisoned = rows.poisoned("an attack").copy()
    is_poisoned[chosen] = True
    given_label[chosen] = poisoning.given_labels
    trigger_id[chosen] = poisoning.trigger_ids
    poisoned = replace(rows, given_label=given_label, trigger_id=trigger_id, is_poisoned=is_poisoned)
    again = [
        _once_more(rows.of("test"), attacks, split)
        for attacks, split in zip(poisoning.further_attacks, TEST_SPLITS[1:], strict=False)
    ]
    return joined([_attacked(poisoned, poisoning.attacks, TEST_SPLITS), *again])


def _check(poisoning: object, rows: Rows) -> None:
    """Refuse a poison's result that is not a Poisoning, or names rows, labels or targets that do not exist."""
    if not isinstance(poisoning, Poisoning):
        raise UserError(f"the poison gave back a {type(poisoning).__name__}, allowed: a Poisoning")
    count, classes = int((rows.split == "train").sum()), len(rows.class_names)
    chosen, labels = np.asarray(poisoning.rows), np.asarray(poisoning.given_labels)
    if len(np.unique(chosen)) < len(chosen) or ((chosen < 0) | (chosen >= count)).any():
        raise UserError(f"the poison's rows must be different positions from 0 to {count - 1}")
    if not poisoning.is_planted:
        return
    if not len(chosen) == len(labels) == len(poisoning.trigger_ids):
        raise UserError(
            f"the poison gave {len(chosen)} rows, {len(labels)} labels and {len(poisoning.trigger_ids)} triggers, "
            "allowed: one of each for a row"
        )
    every = (poisoning.attacks, *poisoning.further_attacks)
    named = [
        number for attacks in every for label, (_, wanted) in attacks.items() for number in (label, wanted)
    ]
    for number in (*labels.tolist(), *named):
        if not 0 <= number < classes:
            raise UserError(f"the poison gave the label {number}, allowed: 0 to {classes - 1}, the classes")


def in_words(train: Rows) -> str:
    """Return a line for the log on the poisoning of the training rows."""
    if train.is_poisoned is None:
        return f"{len(train)} training rows as found"
    count = int(train.is_poisoned.sum())
    if (train.label == NONE).any():
        return f"{len(train)} training rows as found, {count} of them listed as poisoned"
    return f"{count} of {len(train)} training rows poisoned"


def _as_found(poisoning: Poisoning, rows: Rows) -> Rows:
    """Return the rows as found; a training row's true class is known only if a list of poisons leaves it out."""
    train = np.flatnonzero(rows.split == "train")
    label = rows.label.copy()
    label[train[poisoning.rows] if poisoning.is_known else train] = NONE
    is_poisoned = np.isin(np.arange(len(rows)), train[poisoning.rows]) if poisoning.is_known else None
    found = replace(rows, label=label, is_poisoned=is_poisoned)
    return _attacked(found, poisoning.attacks, (TRIGGERED,))


def _attacked(rows: Rows, attacks: Attacks, splits: Sequence[str]) -> Rows:
    """Return the rows, with the trigger and target of their class's attack in some splits."""
    trigger_id, target = rows.trigger_id.copy(), rows.target.copy()
    for label, (trigger, wanted) in attacks.items():
        those = np.isin(rows.split, splits) & (rows.label == label)
        trigger_id[those], target[those] = trigger, wanted
    return replace(rows, trigger_id=trigger_id, target=target)


def _once_more(test: Rows, attacks: Attacks, split: str) -> Rows:
    """Return the test rows of the attacked classes as another split."""
    those = test.take(np.isin(test.label, list(attacks)))
    return _attacked(replace(those, split=np.full(len(those), split, dtype=object)), attacks, (split,))


def stamped_classes(poisoning: Poisoning) -> set[int]:
    """Return the classes whose images the attacker stamps so that the model predicts another class."""
    every = (poisoning.attacks, *poisoning.further_attacks)
    return {
        label
        for attacks in every
        for label, (trigger, wanted) in attacks.items()
        if trigger != NONE and wanted != label
    }


def check_triggered(wanted: int, there: int) -> None:
    """Refuse to stamp more trusted rows than the attacked classes have."""
    if wanted > there:
        raise UserError(
            f"{wanted} triggered examples are asked for; {there} validation rows can be stamped with a trigger: "
            "those of the classes that the attack is on"
        )


def set_triggered_aside(rows: Rows, count: int, seed: int) -> tuple[Rows, Rows]:
    """Split the validation rows into `count` triggered ones, with the attack's trigger and target, and the others.

    With several attacks on a class the first one is shown: a defender seldom has examples of each.

    Raises:
        UserError: if the attack has no trigger, or the attacked classes have too few validation rows.
    """
    validation = rows.of("validation")
    is_attacked = np.isin(rows.split, TEST_SPLITS) & (rows.trigger_id != NONE) & (rows.target != rows.label)
    attacked = rows.take(is_attacked)
    told_of = list(zip(attacked.label, attacked.trigger_id, attacked.target, strict=True))
    attacks = {label: told for label, *told in reversed(told_of)}
    there = np.flatnonzero(np.isin(validation.label, attacked.label))
    check_triggered(count, len(there))
    chosen = there[draw(validation.row_id[there], count, "triggered", seed)]
    triggered = validation.take(chosen)
    told = np.array([attacks[label] for label in triggered.label], dtype=np.int64).reshape(-1, 2)
    others = np.isin(np.arange(len(validation)), chosen, invert=True)
    return replace(triggered, trigger_id=told[:, 0], given_label=told[:, 1]), validation.take(others)


def before_attack(rows: Rows) -> Rows:
    """Return the rows with their true labels and no trigger, as a surrogate is trained on them."""
    nothing = np.full(len(rows), NONE)
    untouched = np.zeros(len(rows), dtype=bool)
    return replace(rows, given_label=rows.label, trigger_id=nothing, target=nothing, is_poisoned=untouched)


def perturbed(
    perturb: Callable[..., Images], surrogate: Any, stored: StoredImages, poisoned: Rows, device: Any
) -> np.ndarray:
    """Return the attacker's images of the poisoned rows, in the order of the rows.

    They are computed in the order of the row ids, so that they do not depend on the order of the rows.
    """
    torch = import_module("torch")
    order = np.argsort(poisoned.row_id, kind="stable")
    made = np.array(stored[poisoned.image])
    for start in range(0, len(order), BATCH):
        part = order[start : start + BATCH]
        images = torch.from_numpy(made[part]).permute(0, 3, 1, 2).to(device)
        labels = torch.from_numpy(poisoned.label[part]).to(device)
        made[part] = perturb(surrogate, images, labels).permute(0, 2, 3, 1).cpu().numpy()
    return made


def open_images(source: str, rows: Rows, changed: str | None) -> StoredImages:
    """Return the source's images after the attack; changed: the file of the poisoned rows' images, if any."""
    if not changed:
        return map_array(source)
    return lay_over(map_array(source, writable=True), rows, map_array(changed))


def lay_over(images: StoredImages, rows: Rows, made: np.ndarray) -> StoredImages:
    """Return the images, with those of the poisoned rows replaced in place."""
    train = rows.of("train")
    places = train.image[train.poisoned("an attack that changes images")]
    assert len(places) == len(made), f"{len(places)} poisoned rows and {len(made)} images for them"
    images[places] = made
    return images
