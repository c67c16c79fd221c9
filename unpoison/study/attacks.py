"""What attacks are made of: the parts of several at once, looked up in the config, and a surrogate."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from unpoison.attacks import stamped_classes
from unpoison.errors import UserError, one_of
from unpoison.poisons import POISONS
from unpoison.rows import clean_rows
from unpoison.study.config import check_options
from unpoison.study.levels import given_options


def with_parts(plan: Any, name: str, entry: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a poison, its parts no longer names but what is there by them, in the order of the alphabet.

    Raises:
        UserError: for a part that is unknown, named twice, has parts itself, or is stamped at another time.
    """
    filled = dict(options)
    for option in part_options(entry.get("poison", name)):
        names = options.get(option, [])
        if len(set(names)) < len(names):
            raise UserError(f"poisons.{name}.{option}: found {', '.join(names)}; allowed: each part once")
        filled[option] = [_part(plan, f"poisons.{name}", entry["stamp"], part) for part in sorted(names)]
    return filled


def part_names(name: str, entry: Mapping[str, Any]) -> list[str]:
    """The entries that are the parts of an attack; none where it is one alone."""
    return [part for option in part_options(entry.get("poison", name)) for part in sorted(entry[option])]


def kinds_of(plan: Any, poison: str) -> Iterator[str]:
    """The plug-ins that an attack runs: its own and those of its parts."""
    entry = plan.entry("poison", poison)
    yield entry["poison"]
    for part in part_names(poison, entry):
        yield plan.config["poisons"][part].get("poison", part)


def needs_surrogate(entry: Mapping[str, Any]) -> bool:
    """Whether an attack changes its images against a network of its own before it stamps them."""
    return "surrogate" in POISONS.constant(entry["poison"], "NEEDS", ())


def stamped_names(plan: Any, dataset: str, poison: str) -> set[str] | None:
    """The classes that an attack stamps with a trigger; None where counts alone do not tell.

    The poison itself says so, of rows that have no more than their classes.
    """
    there = plan.training_rows(dataset)
    kind, options = plan.kind_and_options("poison", poison)
    labels = np.repeat(np.arange(len(there)), list(there.values()))
    splits = ["train"] * len(labels)
    rows = clean_rows([f"{place:09d}" for place in range(len(labels))], splits, labels, tuple(there))
    try:
        poisoning = POISONS[kind](rows, 0, plan.source_options(plan.source_of(dataset))[1], **options)
    except UserError:  # of several attacks, what one leaves to the next depends on the rows
        return None
    return {rows.class_names[label] for label in stamped_classes(poisoning)}


def part_options(kind: str) -> list[str]:
    """The options of a poison that name its parts."""
    return [name for name, option in POISONS.options(kind).items() if option.annotation == "Parts"]


def _part(plan: Any, where: str, stamp: str, name: str) -> dict[str, Any]:
    section = plan.config["poisons"]
    if name not in section:
        raise one_of(f"part in {where}:", name, section)
    part = section[name]
    kind = part.get("poison", name)
    if part_options(kind):
        raise UserError(f"{where}: its part {name} is several attacks itself; name the parts of it instead")
    if not POISONS.constant(kind, "PLANTS", True):
        raise UserError(f"{where}: its part {name} plants nothing; name parts that do")
    if "surrogate" in POISONS.constant(kind, "NEEDS", ()):
        raise UserError(
            f"{where}: its part {name} needs a surrogate, which several attacks at once cannot have"
        )
    if part["stamp"] != stamp:
        raise UserError(
            f"{where}.stamp: found {stamp}, and its part {name} has {part['stamp']}; allowed: one of them"
        )
    given = given_options("poison", part)
    return {"poison": kind, "options": check_options(given, POISONS.options(kind), f"poisons.{name}")}
