"""What is known of the poisons in a data set, and what data as found do not allow; told while the DAG is built."""

from itertools import product
from typing import Any

from unpoison.attack_kinds import AS_FOUND, AS_FOUND_LISTED, FOUND, KINDS, NOTES, ON_SUSPECT_DATA, PLANTED
from unpoison.errors import UserError
from unpoison.poisons import POISONS


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
    return ON_SUSPECT_DATA if _content(plan, dataset) in plan.suspect_sources else PLANTED


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
    """Return what suspect sources read: those that say so, and those that a study uses as found, by any name."""
    said = {_read(plan, name) for name, entry in plan.config["sources"].items() if entry.get("suspect")}
    used = {
        _content(plan, dataset)
        for study in plan.studies.values()
        for dataset, poison in product(study.variants["dataset"], study.variants["poison"])
        if not plants(plan, poison)
    }
    return said | used


def check_found(plan: Any, dataset: str, poison: str) -> None:
    """Refuse what cannot be had of data as found: trusted rows drawn from them, and a target of no triggered image."""
    if plants(plan, poison):
        return
    aside = plan.entry("dataset", dataset)["validation"]
    if aside:
        raise UserError(
            f"validation: found {aside}, allowed: 0; rows drawn from data as found are not trusted: "
            "name a folder or files of trusted images as the option trusted of the source"
        )
    target = plan.entry("poison", poison).get("target")
    if target is not None and not sum(plan.triggered_by_class(dataset).values()):
        raise UserError(
            f"target: found '{target}', allowed: none without triggered images (the option triggered of the source): "
            "nothing else would be held against it"
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


def _content(plan: Any, dataset: str) -> str:
    return _read(plan, plan.source_of(dataset))


def _read(plan: Any, source: str) -> str:
    """Identify what a source reads its training images from: entries of different image sizes may read the same."""
    kind, _, options = plan.source_options(source)
    read = {name: value for name, value in options.items() if name not in ("test", "trusted", "triggered")}
    return repr((kind, sorted(read.items(), key=str)))
