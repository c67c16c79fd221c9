"""The part of a config to run now, or on this machine: `only_studies`, and blocks of seeds by `only_seeds`."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from unpoison.errors import UserError, one_of
from unpoison.study.studies import Study
from unpoison.study.wanted import Growing


def chosen(studies: Sequence[Study], only: Collection[str] | None) -> list[Study]:
    """Return the studies with these names; None stands for all.

    Raises:
        UserError: for a name that no study has.
    """
    there = [study.name for study in studies]
    for name in only or ():
        if name not in there:
            raise one_of("study in only_studies:", name, there)
    return [study for study in studies if only is None or study.name in only]


def within_block(studies: Sequence[Study], only: str | int | None) -> list[Study]:
    """Return the studies with only their seeds in a block; studies without such seeds are left out.

    Args:
        only: the first and the last seed as `0-4`, or a single seed; None: all seeds.

    Raises:
        UserError: for a block that holds no seed of any study, and for a study whose results decide on its seeds.
    """
    if only is None or not studies:
        return list(studies)
    first, last = _ends(only)
    for study in studies:
        if isinstance(study.adaptive, Growing):
            raise UserError(
                f"only_seeds: found studies.{study.name}, whose results decide on its seeds; allowed: studies with "
                "fixed seeds"
            )
    seeds = {study.name: tuple(seed for seed in study.seeds if first <= seed <= last) for study in studies}
    if not any(seeds.values()):
        every = sorted({seed for study in studies for seed in study.seeds})
        raise UserError(
            f"only_seeds: found {only}, allowed: seeds of a study, from {every[0]} to {every[-1]}"
        )
    return [replace(study, seeds=seeds[study.name]) for study in studies if seeds[study.name]]


def _ends(only: str | int) -> tuple[int, int]:
    if isinstance(only, int):
        return only, only
    first, last = map(int, only.split("-"))
    if first > last:
        raise UserError(f"only_seeds: found {only}, allowed: the smaller seed first, as {last}-{first}")
    return first, last
