"""Whether a deletion set can be made, and a detector be used, told while the DAG is built."""

from pathlib import Path
from typing import Any

from unpoison.attacks import check_triggered
from unpoison.deletion import count_deletion
from unpoison.detectors import DETECTORS
from unpoison.errors import UserError
from unpoison.files import require_intact
from unpoison.scores import check_cut
from unpoison.shares import count_of
from unpoison.study.attacks import stamped_names
from unpoison.study.found import is_known, plants
from unpoison.study.levels import RESERVED

CUTS = ("top", "budget", "fpr_budget")


def is_empty(entry: dict[str, Any]) -> bool:
    """Whether a deletion set is doing nothing by its own words."""
    return entry.get("recall") == 0 and not entry.get("fpr")


def check_deletion(plan: Any, dataset: str, poison: str, deletion: str) -> None:
    """Refuse a deletion set that cannot be had of this data set and poison."""
    entry = dict(plan.entry("deletion", deletion))
    flagged, detector = plan.flagged_file(deletion), entry.pop("detector", None)
    entry.pop("rows", None)
    try:
        if flagged is not None:
            _check_list(flagged, entry)
        elif detector is not None:
            _check_cut(plan, dataset, poison, detector, entry)
        else:
            _check_counts(plan, dataset, poison, entry)
    except UserError as error:
        raise UserError(
            f"deletion '{deletion}' on poison '{poison}' and dataset '{dataset}': {error}"
        ) from error


def check_detector(plan: Any, name: str) -> None:
    """Refuse an unknown detector, bad options, and triggered examples that it does not need or lacks."""
    if name in RESERVED["detector"]:
        raise UserError(f"detectors.{name}: this name is reserved; choose another")
    kind, examples, _ = plan.detector_options(name)
    needs = "triggered_examples" in DETECTORS.constant(kind, "NEEDS")
    if needs and not examples:
        raise UserError(
            f"detectors.{name}.triggered_examples is missing: how many validation rows are stamped with the trigger"
        )
    if examples and not needs:
        raise UserError(f"detectors.{name}.triggered_examples: the detector {kind} looks at none")


def _check_list(path: Path, others: dict[str, Any]) -> None:
    if others:
        raise UserError(f"rows is a whole deletion set; found also {', '.join(others)}")
    require_intact(path)


def _check_counts(plan: Any, dataset: str, poison: str, entry: dict[str, Any]) -> None:
    cuts = [key for key in CUTS if key in entry]
    if cuts:
        raise UserError(f"{', '.join(cuts)} cuts the scores of a detector; say which detector")
    if not is_known(plan, poison):
        raise UserError(
            "a set by counts needs to know which rows are poisoned, and of data as found nobody does; name a detector, "
            f"a list of rows, or the poisons themselves (poisons.{poison}.truth)"
        )
    if entry.get("bias") == "class" and not plants(plan, poison):
        raise UserError("bias: class needs the true class of each row, and of listed poisons nobody knows it")
    poisoned = plan.poison_count(dataset, poison)
    clean = sum(plan.training_rows(dataset).values()) - poisoned
    counts = count_deletion(poisoned, clean, **{key: entry[key] for key in entry if key != "bias"})
    if counts == (0, 0) and not is_empty(entry):
        raise UserError("it asks for no row at all; for no deletion say recall: 0")


def _check_cut(plan: Any, dataset: str, poison: str, detector: str, entry: dict[str, Any]) -> None:
    counts = [key for key in entry if key not in CUTS]
    if counts:
        raise UserError(f"a detector's rows are not drawn; found also {', '.join(counts)}")
    check_cut(**entry)
    kind, examples, _ = plan.detector_options(detector)
    if not entry and not DETECTORS.constant(kind, "OWN_RULE"):
        raise UserError(f"the detector {kind} has no rule of its own; say {', '.join(CUTS)}")
    if examples:
        check_stampable(plan, dataset, poison, detector)
    training, trusted = sum(plan.training_rows(dataset).values()), plan.validation_rows(dataset)
    _check_trusted(kind, trusted, examples, entry)
    stamped = stamped_names(plan, dataset, poison) if examples else None
    if stamped is not None:
        check_triggered(examples, sum(plan.validation_by_class(dataset)[name] for name in stamped))
    others = trusted - examples
    if "fpr_budget" in entry and count_of(entry["fpr_budget"], others) == others:
        raise UserError(
            f"fpr_budget: {entry['fpr_budget']} of {others} validation rows is all of them, and would flag all "
            f"{training} training rows"
        )
    wanted = entry.get("budget") or count_of(entry.get("top", 0.0), training)
    if wanted >= training:
        raise UserError(f"it asks for {wanted} rows; of {training} training rows none would be left")
    if "top" in entry and not wanted:
        raise UserError(f"top: {entry['top']} of {training} training rows is no row at all")


def check_stampable(plan: Any, dataset: str, poison: str, detector: str) -> None:
    """Refuse triggered examples where no trigger is planted, or no test row tells which classes it is for."""
    if not plants(plan, poison):
        raise UserError(
            f"detectors.{detector} is shown examples of a planted trigger; in data as found none is planted"
        )
    untested = plan.untested(dataset)
    if untested:
        raise UserError(
            f"detectors.{detector} takes the trigger of each class from its test images; found none of "
            f"{', '.join(untested)}"
        )


def _check_trusted(kind: str, trusted: int, examples: int, entry: dict[str, Any]) -> None:
    """Refuse what needs trusted rows where none is left; a triggered example is one of them."""
    needs_others = "fpr_budget" in entry or "validation" in DETECTORS.constant(kind, "NEEDS")
    if trusted < examples + needs_others:
        needed = [f"{examples} to stamp"] * bool(examples) + ["one or more as they are"] * needs_others
        raise UserError(
            f"it needs trusted rows, {' and '.join(needed)}; the data set's validation sets {trusted} aside"
        )
