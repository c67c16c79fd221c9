"""Several attacks at once: the parts of a poison, looked up by name among the poisons of a config."""

from collections.abc import Mapping
from typing import Any

from unpoison.errors import UserError, one_of
from unpoison.poisons import POISONS
from unpoison.study.config import check_options
from unpoison.study.sections import given_options

Entry = Mapping[str, Any]


def with_parts(
    poisons: Mapping[str, Entry], name: str, entry: Entry, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options of a poison with the names of its parts replaced by their entries, in alphabetical order.

    Raises:
        UserError: for a part that is unknown, named twice, has parts itself, or is stamped at another time.
    """
    filled = dict(options)
    for option in part_options(entry.get("poison", name)):
        names = options.get(option, [])
        if len(set(names)) < len(names):
            raise UserError(f"poisons.{name}.{option}: found {', '.join(names)}; allowed: each part once")
        filled[option] = [_part(poisons, f"poisons.{name}", entry["stamp"], part) for part in sorted(names)]
    return filled


def part_names(name: str, entry: Entry) -> list[str]:
    """Return the names of the entries that are parts of an attack; empty for a single attack."""
    return [part for option in part_options(entry.get("poison", name)) for part in sorted(entry[option])]


def part_options(kind: str) -> list[str]:
    """Return the options of a poison that name its parts."""
    return [name for name, option in POISONS.options(kind).items() if option.annotation == "Parts"]


def _part(poisons: Mapping[str, Entry], where: str, stamp: str, name: str) -> dict[str, Any]:
    if name not in poisons:
        raise one_of(f"part in {where}:", name, poisons)
    part = poisons[name]
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
