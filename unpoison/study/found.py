"""Kinds of attack, and checks of poisons and of data as found, made while the DAG is built."""

import os
from collections.abc import Iterable, Mapping, Set
from pathlib import Path

from unpoison.attack_kinds import AS_FOUND, AS_FOUND_LISTED, FOUND, ON_SUSPECT_DATA, PLANTED, UNPOISONED
from unpoison.errors import UserError
from unpoison.study.counts import Counts
from unpoison.study.peeks import peek
from unpoison.study.records import Dataset, Poison, Source
from unpoison.study.studies import Study

OTHER_SPLITS = ("test", "trusted", "triggered")  # options of sources that name images not trained on
# Kinds of attack that one study or figure may have together.
FAMILIES = {
    "attacks that are planted": (PLANTED, ON_SUSPECT_DATA),
    "data as found": FOUND,
    "an unpoisoned set": (UNPOISONED,),
}
Pairs = Iterable[tuple[Dataset, Poison]]


def attack_of(dataset: Dataset, poison: Poison, suspect: Set[str]) -> str:
    """Return the kind of attack (see `attack_kinds`).

    Args:
        suspect: names of the sources whose training images may be poisoned.

    Raises:
        UserError: if rows of a suspect source are used as clean ones.
    """
    if poison.is_found:
        return AS_FOUND_LISTED if poison.is_known else AS_FOUND
    is_suspect = dataset.source.name in suspect
    if not poison.is_clean:
        return ON_SUSPECT_DATA if is_suspect else PLANTED
    if is_suspect:
        raise UserError(
            f"poison '{poison.name}' on dataset '{dataset.name}': found a suspect source, allowed: images that are "
            "known to be clean; a source is suspect if its entry says so, or if a study uses it as found"
        )
    return UNPOISONED


def suspect_sources(sources: Mapping[str, Source], pairs: Pairs, data_folder: str) -> set[str]:
    """Return the suspect sources: marked so, used as found, or in use and sharing a training image with one of these.

    Args:
        pairs: data sets and poisons of all studies.
    """
    pairs = list(pairs)
    said = {name for name, source in sources.items() if source.is_suspect}
    suspect = said | {dataset.source.name for dataset, poison in pairs if poison.is_found}
    if not suspect:
        return set()
    read = set().union(*(_read(sources[name], data_folder) for name in suspect))
    in_use = {dataset.source for dataset, _ in pairs}
    return suspect | {source.name for source in in_use if not read.isdisjoint(_read(source, data_folder))}


def check_poison(counts: Counts, dataset: Dataset, poison: Poison) -> None:
    """Refuse a poison that cannot be planted in a data set, and settings that data as found do not allow."""
    try:
        counts.poisoned(dataset, poison)
        _check_found(counts, dataset, poison)
    except UserError as error:
        raise UserError(f"poison '{poison.name}' on dataset '{dataset.name}': {error}") from error


def _check_found(counts: Counts, dataset: Dataset, poison: Poison) -> None:
    """Refuse trusted rows drawn from data as found, and a target without triggered images of other classes."""
    if not poison.is_found:
        return
    if dataset.validation:
        raise UserError(
            f"validation: found {dataset.validation}, allowed: 0; rows drawn from data as found are not trusted: "
            "name a folder or files of trusted images as the option trusted of the source"
        )
    target = poison.options.get("target")
    if target is None:
        return
    of_classes = {name for name, count in counts.triggered(dataset).items() if count}
    if of_classes <= {target}:
        those = f"only those of '{target}'" if of_classes else "none"
        raise UserError(
            f"target: found '{target}' and triggered images of the data set's classes: {those}; allowed: a target "
            "with triggered images of other classes (the option triggered of the source)"
        )


def check_one_kind(where: str, *studies: Study) -> None:
    """Refuse a study or a figure that mixes planted attacks, data as found and an unpoisoned set.

    Otherwise one point or one sentence would mix numbers of several kinds.
    """
    kinds = {kind for study in studies for kind in study.attacks.values()}
    told = [words for words, family in FAMILIES.items() if not kinds.isdisjoint(family)]
    if len(told) > 1:
        names = ", ".join(sorted(study.name for study in studies))
        raise UserError(
            f"{where}: found {' and '.join(told)} ({names}); allowed: one of them, and a study or figure of its own "
            "for the other"
        )


def check_measured(counts: Counts, figure: str, study: Study) -> None:
    """Refuse a figure that shows what a study does not measure: clean accuracy, or the success of the attack."""
    for dataset in study.datasets:
        untested = counts.untested(dataset)
        if untested:
            raise UserError(
                f"{figure} shows accuracies on test images, and dataset '{dataset.name}' of {study.name} has none of "
                f"{', '.join(untested)}"
            )
        for poison in study.poisons:
            _check_judged(counts, figure, study, dataset, poison)


def _check_judged(counts: Counts, figure: str, study: Study, dataset: Dataset, poison: Poison) -> None:
    if poison.is_clean:
        raise UserError(
            f"{figure} cannot show {study.name}, a study of an unpoisoned set: there is no attack to judge repairs by"
        )
    if poison.plants:
        return
    lacks = [] if poison.is_known else ["a list of the poisons (option truth of the poison)"]
    if not sum(counts.triggered(dataset).values()):
        lacks.append("triggered images (option triggered of the source)")
    if lacks:
        raise UserError(
            f"{figure} cannot show {study.name}, a study of data as found without {' and '.join(lacks)}"
        )


def _read(source: Source, data_folder: str) -> set[str]:
    """Return the files that a source reads its training images from; its options if it names no files.

    Two entries may read the same files at other sizes, through other kinds of source, or under another path.
    """
    training = {name: None if name in OTHER_SPLITS else value for name, value in source.options.items()}
    try:
        files = peek(source.kind, Path(data_folder), training).files
    except UserError:  # a source that no study uses may lie on another machine
        files = ()
    if not files:
        return {repr((source.kind, sorted(training.items(), key=str)))}
    paths = [os.path.split(file) for file in files]
    real = {parent: os.path.realpath(parent) for parent in {parent for parent, _ in paths}}
    return {os.path.join(real[parent], name) for parent, name in paths}  # noqa: PTH118 (a million of them)
