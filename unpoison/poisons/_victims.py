"""Choose the victims of an attack and their labels: all classes to one, each to its next, or chosen classes
alone."""

from collections.abc import Mapping, Sequence

import numpy as np

from unpoison.contracts.poisoning import Poisoning
from unpoison.errors import UserError, one_of
from unpoison.poisons._stamps import check_count
from unpoison.rows import Rows
from unpoison.seeds import draw


def plan_victims(
    there: Mapping[str, int], count: int, target: str | None, victims: Sequence[str] | None = None
) -> int:
    """Return `count`, if the classes of the victims (None: all classes) have that many images.

    Raises:
        UserError: for an unknown class, a target among the victims, more poisons than images.
    """
    if target is not None and target not in there:
        raise one_of("target class", target, there)
    for name in victims or ():
        if name not in there:
            raise one_of("class in victims:", name, there)
    if victims is not None and target in victims:
        raise UserError(
            f"the target class '{target}' is among the victims ({', '.join(victims)}); name others"
        )
    chosen = set(there if victims is None else victims)
    whose = "" if victims is None else f" of {', '.join(victims) or 'no class'}"
    check_count(count, sum(there[name] for name in chosen), f"training images{whose}")
    return count


def take_victims(
    clean: Rows, seed: int, count: int, target: str | None, victims: Sequence[str] | None = None
) -> Poisoning:
    """Poison `count` images with trigger 0; label them as the target, or as the class after their own
    (all-to-all).

    As in Goel et al. 2024, victims from all classes may already be of the target class: they carry the
    trigger and keep their label.
    """
    plan_victims(clean.count_by_class(), count, target, victims)
    names = clean.class_names
    labels = [label for label, name in enumerate(names) if victims is None or name in victims]
    told = np.full(len(names), names.index(target)) if target else np.roll(np.arange(len(names)), -1)
    of_victims = np.flatnonzero(np.isin(clean.label, labels))
    rows = of_victims[draw(clean.row_id[of_victims], count, "victims", seed)]
    return Poisoning(
        rows=rows,
        given_labels=told[clean.label[rows]],
        trigger_ids=np.zeros(count, np.int64),
        attacks={label: (0, int(told[label])) for label in labels},
    )


def take_of_target(clean: Rows, seed: int, count: int, target: str) -> Poisoning:
    """Poison `count` images of the target class with trigger 0 and their label; all classes are attacked."""
    plan_of_target(clean.count_by_class(), count, target)
    label = clean.class_names.index(target)
    of_class = np.flatnonzero(clean.label == label)
    return Poisoning(
        rows=of_class[draw(clean.row_id[of_class], count, "victims", seed)],
        given_labels=np.full(count, label),
        trigger_ids=np.zeros(count, np.int64),
        attacks=dict.fromkeys(range(len(clean.class_names)), (0, label)),
    )


def plan_of_target(there: Mapping[str, int], count: int, target: str) -> int:
    """Return `count`, if there are that many images of the target class.

    Raises:
        UserError: for an unknown class and too few images of it.
    """
    if target not in there:
        raise one_of("target class", target, there)
    check_count(count, there[target], f"images of class '{target}'")
    return count
