"""What figures show: whether it can be drawn, told while the DAG is built, and the models of training curves."""

from collections.abc import Collection
from itertools import product
from typing import Any

from unpoison.errors import UserError, one_of
from unpoison.options import accepts
from unpoison.plots import PLOTS
from unpoison.study.found import check_measured, check_one_kind
from unpoison.study.levels import REFERENCES


def check_figure(plan: Any, name: str) -> None:
    """Refuse a figure of unknown studies, of studies that vary other keys than its own, or of an unknown class."""
    for taken in ("samples_", "training_"):
        if name.startswith(taken):
            raise UserError(f"figures.{name}: names that begin with {taken} are reserved; choose another")
    kind, options = plan.figure_options(name)
    choices = [{key.format(**options) for key in choice} for choice in PLOTS.constant(kind, "NEEDS")]
    also = PLOTS.constant(kind, "ALSO", ())
    takes_detectors = PLOTS.constant(kind, "DETECTORS", False)
    drawn = 0
    for study in plan.config["figures"][name]["studies"]:
        if study not in plan.studies:
            raise one_of(f"study in figures.{name}:", study, plan.studies)
        entry = plan.config["studies"][study]
        if takes_detectors and _is_of_detectors(plan, study):
            _check_beside(plan, f"figures.{name}", study)
            continue
        drawn += 1
        check_measured(plan, f"figures.{name}", study)
        _check_drawable(f"figures.{name}", plan.studies[study], entry, choices, also)
        for option, key in PLOTS.constant(kind, "CHOOSES", {}).items():
            if options[option] not in entry["vary"][key]:
                raise one_of(f"{option} in figures.{name}:", options[option], map(str, entry["vary"][key]))
        classes = plan.training_rows(plan.studies[study].variants["dataset"][0])
        if options.get("class_name", min(classes)) not in classes:
            raise one_of(f"class in figures.{name}:", options["class_name"], classes)
    check_one_kind(plan, f"figures.{name}", *plan.config["figures"][name]["studies"])
    if takes_detectors and drawn != 1:
        wanted = " and ".join(" or ".join(sorted(keys)) for keys in choices)
        raise UserError(
            f"figures.{name} needs one study that varies {wanted}, and those of detectors; found {drawn}"
        )


def _is_of_detectors(plan: Any, study: str) -> bool:
    deletions = plan.studies[study].variants["deletion"]
    return all("detector" in plan.entry("deletion", name) for name in deletions)


def _check_beside(plan: Any, figure: str, study: str) -> None:
    """A study of detectors' deletion sets, whatever thresholds it varies, is drawn over one of the same models."""
    entry = plan.config["studies"][study]
    for key in entry["vary"]:
        if not key.startswith("deletion."):
            raise UserError(f"{figure} cannot show a study of detectors that varies {key}, as {study} does")
    for other in plan.config["figures"][figure.removeprefix("figures.")]["studies"]:
        for level in ("dataset", "poison", "training"):
            if plan.config["studies"][other][level] != entry[level]:
                raise UserError(
                    f"{figure} shows studies of one {level}; {study} has {entry[level]} and {other} has "
                    f"{plan.config['studies'][other][level]}"
                )


def _check_drawable(
    figure: str, study: Any, entry: dict[str, Any], choices: list[set[str]], also: Collection[str]
) -> None:
    """A figure draws one point for each method and value, so its studies vary its own keys and no others."""
    vary = entry["vary"]
    for keys in choices:
        if len(keys & set(vary)) != 1:
            found = ", ".join(sorted(vary)) or "(nothing)"
            raise UserError(
                f"{figure} needs a study that varies {' or '.join(sorted(keys))}; {study.name} varies {found}"
            )
    for key in vary:
        if key not in also and not any(key in keys for keys in choices):
            raise UserError(f"{figure} cannot show a study that also varies {key}, as {study.name} does")
        if not all(accepts("float", value) for value in vary[key]):
            raise UserError(f"{figure} needs numbers on its axes; {study.name} varies {key} over {vary[key]}")
    if len(entry["deletions"]) > 1:
        raise UserError(f"{figure} shows one deletion set; {study.name} has {', '.join(entry['deletions'])}")
    # Over deletion sets a repair, which has none, is drawn across as references are.
    across = study.repairs if any(key.startswith("deletion.") for key in vary) else ()
    if set(entry["methods"]) <= {*REFERENCES, *across}:
        raise UserError(
            f"{figure} needs a method beside the references; {study.name} has {', '.join(entry['methods'])}"
        )


def trained_models(plan: Any, study: str) -> list[tuple[dict[str, Any], str]]:
    """Each model that a study trains on all rows: its wildcards, and the name of its variant by the keys that vary."""
    variants, seeds = plan.studies[study].variants, sorted(plan.studies[study].seeds)
    above = ("dataset", "poison", "training")
    several = {key for level in above for key in _several(plan.varied[level], variants[level])}
    found = []
    for names in product(*(sorted(variants[level]) for level in above)):
        if plan.entry("training", names[-1]).get("weights"):
            continue  # given, and not trained here
        settings = {
            key: value
            for level, name in zip(above, names, strict=True)
            for key, value in plan.varied[level][name].items()
            if key in several
        }
        label = ", ".join(f"{key} {value}" for key, value in settings.items()) or names[0]
        found += [({**dict(zip(above, names, strict=True)), "seed": seed}, label) for seed in seeds]
    return found


def _several(varied: dict[str, dict[str, Any]], names: tuple[str, ...]) -> set[str]:
    """The keys that have more than one value among the variants of a level."""
    values: dict[str, set[Any]] = {}
    for name in names:
        for key, value in varied[name].items():
            values.setdefault(key, set()).add(value)
    return {key for key, found in values.items() if len(found) > 1}
