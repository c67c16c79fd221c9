"""Checks of deletion sets, made while the DAG is built."""

from collections.abc import Mapping
from typing import Any

from unpoison.attacks import check_triggered
from unpoison.deletion import count_deletion
from unpoison.errors import UserError
from unpoison.files import require_intact
from unpoison.scores import check_cut
from unpoison.shares import count_of
from unpoison.study.attacks import stamped_names
from unpoison.study.counts import Counts
from unpoison.study.records import Dataset, Deletion, Detector, Poison

CUTS = ("top", "budget", "fpr_budget")


def check_deletion(counts: Counts, dataset: Dataset, poison: Poison, deletion: Deletion) -> None:
    """Refuse a deletion set that cannot be made for this data set and poison."""
    try:
        if deletion.flagged is not None:
            require_intact(deletion.flagged)
        elif deletion.detector is not None:
            _check_cut(counts, dataset, poison, deletion.detector, deletion.asked)
        else:
            _check_counts(counts, dataset, poison, deletion)
    except UserError as error:
        raise UserError(
            f"deletion '{deletion.name}' on poison '{poison.name}' and dataset '{dataset.name}': {error}"
        ) from error


def _check_counts(counts: Counts, dataset: Dataset, poison: Poison, deletion: Deletion) -> None:
    asked = deletion.asked
    cuts = [key for key in CUTS if key in asked]
    if cuts:
        raise UserError(f"{', '.join(cuts)} cuts the scores of a detector; say which detector")
    if not poison.is_known:
        raise UserError(
            "a set by counts needs to know which rows are poisoned, which is unknown for data as found; name a "
            f"detector, a list of rows, or the poisons themselves (poisons.{poison.name}.truth)"
        )
    if deletion.bias == "class" and poison.is_found:
        raise UserError("bias: class needs the true class of each row, which is unknown for listed poisons")
    if deletion.bias == "similarity" and poison.is_clean:
        raise UserError(
            "bias: similarity selects the clean rows nearest to the poisons; an unpoisoned set has no poisons"
        )
    poisoned = counts.poisoned(dataset, poison)
    clean = sum(counts.training(dataset).values()) - poisoned
    rows = count_deletion(poisoned, clean, **{key: asked[key] for key in asked if key != "bias"})
    if rows == (0, 0) and not deletion.is_empty:
        raise UserError("it selects no row; for an empty deletion set give recall: 0")


def _check_cut(
    counts: Counts, dataset: Dataset, poison: Poison, detector: Detector, asked: Mapping[str, Any]
) -> None:
    drawn = [key for key in asked if key not in CUTS]
    if drawn:
        raise UserError(f"a detector's rows are cut by score, not drawn; found also {', '.join(drawn)}")
    check_cut(**asked)
    if not asked and not detector.has_own_rule:
        raise UserError(f"the detector {detector.kind} has no rule of its own; give one of {', '.join(CUTS)}")
    examples = detector.triggered_examples
    if examples:
        check_stampable(counts, dataset, poison, detector)
    training, trusted = sum(counts.training(dataset).values()), counts.trusted(dataset)
    _check_trusted(detector, trusted, asked)
    stamped = stamped_names(counts, dataset, poison) if examples else None
    if stamped is not None:
        check_triggered(examples, sum(counts.validation(dataset)[name] for name in stamped))
    others = trusted - examples
    if "fpr_budget" in asked and count_of(asked["fpr_budget"], others) == others:
        raise UserError(
            f"fpr_budget: {asked['fpr_budget']} of {others} validation rows is all of them, and would flag all "
            f"{training} training rows"
        )
    wanted = asked.get("budget") or count_of(asked.get("top", 0.0), training)
    if wanted >= training:
        raise UserError(f"it asks for {wanted} rows; of {training} training rows none would be left")
    if "top" in asked and not wanted:
        raise UserError(f"top: {asked['top']} of {training} training rows selects no row")


def check_stampable(counts: Counts, dataset: Dataset, poison: Poison, detector: Detector) -> None:
    """Refuse triggered examples if no trigger is planted, or a class has no test image to take its trigger from."""
    if not poison.plants:
        where = "an unpoisoned set" if poison.is_clean else "data as found"
        raise UserError(
            f"detectors.{detector.name} is shown examples of a planted trigger; in {where} none is planted"
        )
    untested = counts.untested(dataset)
    if untested:
        raise UserError(
            f"detectors.{detector.name} takes the trigger of each class from its test images; found none of "
            f"{', '.join(untested)}"
        )


def _check_trusted(detector: Detector, trusted: int, asked: Mapping[str, Any]) -> None:
    """Refuse a set that needs more trusted rows than there are; each triggered example uses one of them."""
    examples = detector.triggered_examples
    needs_others = "fpr_budget" in asked or "validation" in detector.needs
    if trusted < examples + needs_others:
        needed = [f"{examples} to stamp"] * bool(examples) + ["one or more as they are"] * needs_others
        raise UserError(
            f"it needs trusted rows, {' and '.join(needed)}; the data set's validation sets {trusted} aside"
        )
