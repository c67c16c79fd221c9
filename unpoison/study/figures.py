"""Checks of figures, made while the DAG is built, and the models that training curves show."""

from collections.abc import Collection, Mapping
from itertools import product
from typing import Any

from unpoison.drawing.looks import family_of
from unpoison.errors import UserError, one_of
from unpoison.levels import REFERENCES
from unpoison.options import accepts
from unpoison.plots import PLOTS, tables_needed
from unpoison.study.counts import Counts
from unpoison.study.found import check_measured, check_one_kind
from unpoison.study.records import Figure, Method, Variant
from unpoison.study.studies import Study
from unpoison.tables import derived_names
from unpoison.unlearning import METHODS


def check_figure(counts: Counts, figure: Figure, there: Mapping[str, Study]) -> None:
    """Refuse a figure of unknown studies, of studies that vary other keys than its own, or of an unknown class.

    Args:
        there: all studies of the config.
    """
    where = f"figures.{figure.name}"
    for name in figure.studies:
        if name not in there:
            raise one_of(f"study in {where}:", name, there)
    tables = ["results", *derived_names({})]
    for name in tables_needed(figure.kind):
        if name not in tables:
            raise one_of(f"table in TABLES of the figure {figure.kind}:", name, tables)
    studies = [there[name] for name in figure.studies]
    choices = [{key.format(**figure.options) for key in choice} for choice in _constant(figure, "NEEDS")]
    takes_detectors = _constant(figure, "DETECTORS", False)
    beside = [study for study in studies if takes_detectors and _is_of_detectors(study)]
    drawn = [study for study in studies if study not in beside]
    for study in beside:
        _check_beside(where, study, studies)
    for study in drawn:
        if _constant(figure, "VERIFIED", False) and study.folds is None:
            raise UserError(
                f"{where} shows held-out checks; found none in {study.name}, allowed: verify in studies.{study.name}"
            )
        check_measured(counts, where, study)
        _check_drawable(where, study, choices, _constant(figure, "ALSO", ()))
        _check_chosen(counts, where, figure, study)
    check_one_kind(where, *studies)
    if _constant(figure, "ONE_STUDY", False) and len(studies) != 1:
        raise UserError(f"{where} shows one study; found {', '.join(figure.studies)}")
    if takes_detectors and len(drawn) != 1:
        wanted = " and ".join(" or ".join(sorted(keys)) for keys in choices)
        raise UserError(
            f"{where} needs one study that varies {wanted}, and those of detectors; found {len(drawn)}"
        )


def _constant(figure: Figure, name: str, *default: Any) -> Any:
    return PLOTS.constant(figure.kind, name, *default)


def _is_of_detectors(study: Study) -> bool:
    return all(deletion.detector is not None for deletion in study.deletions)


def _check_beside(where: str, study: Study, studies: Collection[Study]) -> None:
    """Refuse a study of detectors that cannot be drawn over the other studies of its figure.

    It may vary the thresholds of its deletion sets, and nothing else. It must have the same models as the others.
    """
    for key in study.vary:
        if not key.startswith("deletion."):
            raise UserError(
                f"{where} cannot show a study of detectors that varies {key}, as {study.name} does"
            )
    for other in studies:
        for level in ("dataset", "poison", "training"):
            mine, others = study.bases[level][0], other.bases[level][0]
            if mine != others:
                raise UserError(
                    f"{where} shows studies of one {level}; {study.name} has {mine} and {other.name} has {others}"
                )


def _check_drawable(where: str, study: Study, choices: list[set[str]], also: Collection[str]) -> None:
    """Refuse a study that varies other keys than the figure's own: it draws one point for each method and value."""
    vary = study.vary
    for keys in choices:
        if len(keys & set(vary)) != 1:
            found = ", ".join(sorted(vary)) or "(nothing)"
            raise UserError(
                f"{where} needs a study that varies {' or '.join(sorted(keys))}; {study.name} varies {found}"
            )
    for key in vary:
        if key not in also and not any(key in keys for keys in choices):
            raise UserError(f"{where} cannot show a study that also varies {key}, as {study.name} does")
        if not all(accepts("float", value) for value in vary[key]):
            raise UserError(f"{where} needs numbers on its axes; {study.name} varies {key} over {vary[key]}")
    deletions, methods = study.bases["deletion"], study.bases["method"]
    if len(deletions) > 1:
        raise UserError(f"{where} shows one deletion set; {study.name} has {', '.join(deletions)}")
    # A repair has no deletion set. Over deletion sets it is drawn across the figure, as references are.
    across = study.repairs if any(key.startswith("deletion.") for key in vary) else ()
    if set(methods) <= {*REFERENCES, *across}:
        raise UserError(
            f"{where} needs a method other than the references; {study.name} has {', '.join(methods)}"
        )


def _check_chosen(counts: Counts, where: str, figure: Figure, study: Study) -> None:
    """Refuse a value or a class that the figure is to show and the study does not have."""
    for option, key in _constant(figure, "CHOOSES", {}).items():
        if figure.options[option] not in study.vary[key]:
            raise one_of(f"{option} in {where}:", figure.options[option], map(str, study.vary[key]))
    classes = counts.training(study.datasets[0])
    if figure.options.get("class_name", min(classes)) not in classes:
        raise one_of(f"class in {where}:", figure.options["class_name"], classes)


def families_of(methods: Mapping[str, Method]) -> dict[str, str]:
    """Return the family of each method but the references: the constant `FAMILY` of its file, or by `family_of`."""
    return {
        name: METHODS.constant(method.kind, "FAMILY", family_of(method.kind))
        for name, method in methods.items()
        if name not in REFERENCES
    }


def trained_models(study: Study) -> list[tuple[dict[str, Any], str]]:
    """Return each model that a study trains on all rows: its wildcards, and a label of the keys that vary."""
    several = {key for level in (study.datasets, study.poisons, study.trainings) for key in _several(level)}
    found = []
    for dataset, poison, training in product(
        sorted(study.datasets, key=_name),
        sorted(study.poisons, key=_name),
        sorted(study.trainings, key=_name),
    ):
        if training.weights is not None:
            continue  # its weights are given, it is not trained here
        records = (dataset, poison, training)
        settings = {
            key: value for record in records for key, value in record.varied.items() if key in several
        }
        label = ", ".join(f"{key} {value}" for key, value in settings.items()) or dataset.name
        names = {"dataset": dataset.name, "poison": poison.name, "training": training.name}
        found += [({**names, "seed": seed}, label) for seed in sorted(study.seeds)]
    return found


def _name(record: Variant) -> str:
    return record.name


def _several(records: Collection[Variant]) -> set[str]:
    """Return the keys that have more than one value among the variants of a level."""
    values: dict[str, set[Any]] = {}
    for record in records:
        for key, value in record.varied.items():
            values.setdefault(key, set()).add(value)
    return {key for key, found in values.items() if len(found) > 1}
