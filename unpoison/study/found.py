"""What is known of the poisons in a data set, and what data as found do not allow; told while the DAG is built."""

import os
from itertools import product
from pathlib import Path
from typing import Any

from unpoison.attack_kinds import AS_FOUND, AS_FOUND_LISTED, FOUND, KINDS, NOTES, ON_SUSPECT_DATA, PLANTED
from unpoison.errors import UserError
from unpoison.poisons import POISONS
from unpoison.study.peeks import peek

OTHER_SPLITS = ("test", "trusted", "triggered")  # options of sources that name images not trained on


def plants(plan: Any, poison: str) -> bool:
    """Whether a poison plants anything; one that does not uses the data as found."""
    return bool(POISONS.constant(plan.entry("poison", poison)["poison"], "PLANTS", True))


def is_known(plan: Any, poison: str) -> bool:
    """Whether it is known which training rows are poisoned: planted ones, and those that a user lists."""
    return plants(plan, poison) or plan.entry("poison", poison).get("truth") is not None


def attack_of(plan: Any, dataset: str, poison: str) -> str:
    """The kind of attack: planted, planted on suspect data, as found, or as found with a list of poisons."""
    if not plants(plan, poison):
        return AS_FOUND_LISTED if is_known(plan, poison) else AS_FOUND
    return ON_SUSPECT_DATA if plan.source_of(dataset) in plan.suspect_sources else PLANTED


def attacks_of(plan: Any, *studies: str) -> set[str]:
    """The kinds of attack that some studies measure."""
    return {
        attack_of(plan, dataset, poison)
        for study in studies
        for dataset, poison in product(
            *(plan.studies[study].variants[level] for level in ("dataset", "poison"))
        )
    }


def attack_of_study(plan: Any, study: str) -> str:
    """The kind of attack of a study; of several kinds, as where it varies its source, the last in their order."""
    return max(attacks_of(plan, study), key=KINDS.index)


def is_found(plan: Any, study: str) -> bool:
    """Whether a study plants nothing."""
    return bool(attacks_of(plan, study) & set(FOUND))


def note_of_figure(plan: Any, *studies: str) -> str:
    """The note that a figure of some studies must carry: that an attack was planted on suspect data, and in which."""
    suspect = [study for study in sorted(studies) if ON_SUSPECT_DATA in attacks_of(plan, study)]
    if not suspect:
        return ""
    which = "" if len(suspect) == len(studies) else f" ({', '.join(suspect)})"
    return f"{NOTES[ON_SUSPECT_DATA]}{which}"


def suspect_sources(plan: Any) -> set[str]:
    """Sources that say so or that a study uses as found, and all in use that read a training image of theirs."""
    said = {name for name, entry in plan.config["sources"].items() if entry.get("suspect")}
    pairs = [
        pair
        for study in plan.studies.values()
        for pair in product(study.variants["dataset"], study.variants["poison"])
    ]
    suspect = said | {plan.source_of(dataset) for dataset, poison in pairs if not plants(plan, poison)}
    if not suspect:
        return set()
    read = set().union(*(_read(plan, name) for name in suspect))
    in_use = {plan.source_of(dataset) for dataset, _ in pairs}
    return suspect | {name for name in in_use if not read.isdisjoint(_read(plan, name))}


def check_found(plan: Any, dataset: str, poison: str) -> None:
    """Refuse trusted rows that are drawn from data as found, and a target that no triggered image can be taken for."""
    if plants(plan, poison):
        return
    aside = plan.entry("dataset", dataset)["validation"]
    if aside:
        raise UserError(
            f"validation: found {aside}, allowed: 0; rows drawn from data as found are not trusted: "
            "name a folder or files of trusted images as the option trusted of the source"
        )
    target = plan.entry("poison", poison).get("target")
    if target is None:
        return
    of_classes = {name for name, count in plan.triggered_by_class(dataset).items() if count}
    if of_classes <= {target}:
        those = f"those of '{target}' alone" if of_classes else "none"
        raise UserError(
            f"target: found '{target}' and as triggered images of the data set's classes {those}; allowed: a target "
            "with triggered images of other classes (the option triggered of the source)"
        )


def check_one_kind(plan: Any, where: str, *studies: str) -> None:
    """Refuse a study or a figure in which some data are used as found and in others an attack is planted.

    One point or one sentence would hold numbers of both.
    """
    kinds = attacks_of(plan, *studies)
    if kinds & set(FOUND) and kinds - set(FOUND):
        raise UserError(
            f"{where}: found attacks that are planted and data as found ({', '.join(sorted(studies))}); allowed: one "
            "of both, and a study or figure of its own for the other"
        )


def check_measured(plan: Any, figure: str, study: str) -> None:
    """Refuse a figure of what a study does not measure: clean accuracy, and what an attack is judged by."""
    variants = plan.studies[study].variants
    for dataset, poison in product(variants["dataset"], variants["poison"]):
        if plan.untested(dataset):
            raise UserError(
                f"{figure} shows accuracies on test images, and dataset '{dataset}' of {study} has none of "
                f"{', '.join(plan.untested(dataset))}"
            )
        if plants(plan, poison):
            continue
        lacks = [] if is_known(plan, poison) else ["a list of the poisons (option truth of the poison)"]
        if not sum(plan.triggered_by_class(dataset).values()):
            lacks.append("triggered images (option triggered of the source)")
        if lacks:
            raise UserError(
                f"{figure} cannot show {study}, a study of data as found without {' and '.join(lacks)}"
            )


def _read(plan: Any, source: str) -> set[str]:
    """The files that a source reads its training images from; what it is asked for where it names none.

    Two entries may read the same files at other sizes, through other kinds of source, or under another path.
    """
    kind, _, options = plan.source_options(source)
    training = {name: None if name in OTHER_SPLITS else value for name, value in options.items()}
    try:
        files = peek(kind, Path(plan.config["data_folder"]), training).files
    except UserError:  # a source that no study uses may lie on another machine
        files = ()
    if not files:
        return {repr((kind, sorted(training.items(), key=str)))}
    paths = [os.path.split(file) for file in files]
    real = {parent: os.path.realpath(parent) for parent in {parent for parent, _ in paths}}
    return {os.path.join(real[parent], name) for parent, name in paths}  # noqa: PTH118 (a million of them)
