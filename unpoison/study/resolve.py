"""Records of checked config entries: the one place where options are filled in and names are looked up."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from unpoison.datasets import SOURCES
from unpoison.detectors import DETECTORS
from unpoison.errors import UserError, one_of
from unpoison.models import MODELS
from unpoison.options import check_one_of
from unpoison.plots import PLOTS
from unpoison.plugins import Plugins
from unpoison.poisons import POISONS, with_files
from unpoison.probes import PROBES
from unpoison.study.config import check_options
from unpoison.study.parts import part_names, with_parts
from unpoison.study.records import (
    Dataset,
    Deletion,
    Detector,
    Figure,
    Method,
    Poison,
    Settings,
    Source,
    Training,
    Tuning,
    Variant,
)
from unpoison.study.sections import DRAWN_ALWAYS, RESERVED, given_options
from unpoison.unlearning import METHODS

Entry = Mapping[str, Any]
Config = Mapping[str, Any]


def settings_of(config: Config) -> Settings:
    """Return the keys at the top of a config."""
    return Settings(**{field.name: config[field.name] for field in fields(Settings)})


def source_of(config: Config, name: str) -> Source:
    """Return the record of an entry of sources."""
    entry = config["sources"][name]
    kind = entry.get("source", name)
    options = _options(SOURCES, "source", kind, f"sources.{name}", entry)
    return Source(
        name,
        kind,
        entry["image_size"],
        entry["resize"],
        entry["interpolation"],
        options,
        bool(entry.get("suspect")),
    )


def detector_of(config: Config, name: str) -> Detector:
    """Return the record of an entry of detectors.

    Raises:
        UserError: for a reserved name, bad options, and triggered examples that it does not need or lacks.
    """
    if name in RESERVED["detector"]:
        raise UserError(f"detectors.{name}: this name is reserved; choose another")
    entry = config["detectors"][name]
    kind, examples = entry.get("detector", name), entry.get("triggered_examples", 0)
    options = _options(DETECTORS, "detector", kind, f"detectors.{name}", entry)
    detector = Detector(name, kind, examples, options)
    needs_examples = "triggered_examples" in detector.needs
    if needs_examples and not examples:
        raise UserError(
            f"detectors.{name}.triggered_examples is missing: how many validation rows are stamped with the trigger"
        )
    if examples and not needs_examples:
        raise UserError(f"detectors.{name}.triggered_examples: the detector {kind} looks at none")
    return detector


def probes_of(config: Config) -> dict[str, dict[str, Any]]:
    """Return the options of each probe by its name."""
    return {
        name: check_options(entry, PROBES.options(name), f"probes.{name}")
        for name, entry in sorted(config["probes"].items())
    }


def figure_of(config: Config, name: str) -> Figure:
    """Return the record of an entry of figures.

    Raises:
        UserError: for a name that is reserved for the figures of every study, and bad options.
    """
    for taken in DRAWN_ALWAYS:
        if name.startswith(f"{taken}_"):
            raise UserError(f"figures.{name}: names that begin with {taken}_ are reserved; choose another")
    entry = config["figures"][name]
    kind = entry.get("figure", name)
    options = _options(PLOTS, "figure", kind, f"figures.{name}", entry)
    return Figure(name, kind, options, tuple(entry["studies"]))


def dataset_of(sources: Mapping[str, Source], variant: Variant, entry: Entry) -> Dataset:
    """Return the record of a data set."""
    source = named(sources, "source", f"datasets.{variant.name}", entry["source"])
    return Dataset(
        **vars(variant),
        source=source,
        classes=entry.get("classes"),
        keep=entry["keep"],
        validation=entry["validation"],
    )


def poison_of(config: Config, variant: Variant, entry: Entry) -> Poison:
    """Return the record of a poison, with the parts that it names."""
    kind, poisons = entry.get("poison", variant.base), config["poisons"]
    options = _options(POISONS, "poison", kind, f"poisons.{variant.name}", entry)
    options = with_parts(poisons, variant.name, {**entry, "poison": kind}, options)
    paths = with_files(kind, options, config["data_folder"])
    files = {name: paths[name] for name in POISONS.constant(kind, "FILES", ()) if options[name] is not None}
    parts = part_names(variant.name, {**entry, "poison": kind})
    kinds = (kind, *(poisons[part].get("poison", part) for part in parts))
    how = {"stamp": entry["stamp"], "avoid": entry.get("avoid"), "files": files, "kinds": kinds}
    return Poison(**vars(variant), kind=kind, options=options, **how)


def training_of(config: Config, variant: Variant, entry: Entry) -> Training:
    """Return the record of a training, with its recipe."""
    where, weights = f"trainings.{variant.name}", entry.get("weights")
    return Training(
        **vars(variant),
        model=entry["model"],
        options=_options(MODELS, "training", entry["model"], where, entry),
        recipe=named(config["recipes"], "recipe", where, entry["recipe"]),
        weights=None if weights is None else Path(config["data_folder"]) / weights,
        mean=entry["mean"],
        deviation=entry["deviation"],
        image_size=entry.get("image_size"),
        features=entry.get("features"),
    )


def deletion_of(
    config: Config, detectors: Mapping[str, Detector], variant: Variant, entry: Entry
) -> Deletion:
    """Return the record of a deletion set.

    Raises:
        UserError: for a list of rows together with other keys, and for an unknown detector.
    """
    where = f"deletions.{variant.name}"
    others = [key for key in entry if key != "rows"]
    if "rows" in entry and others:
        raise UserError(f"{where}: rows is a whole deletion set; found also {', '.join(others)}")
    flagged = Path(config["data_folder"]) / entry["rows"] if "rows" in entry else None
    detector = named(detectors, "detector", where, entry["detector"]) if "detector" in entry else None
    asked = {key: value for key, value in entry.items() if key not in ("rows", "detector")}
    return Deletion(**vars(variant), flagged=flagged, detector=detector, asked=asked)


def method_of(config: Config, variant: Variant, entry: Entry) -> Method:
    """Return the record of an unlearning method, with its tuning."""
    kind, where = entry.get("method", variant.base), f"methods.{variant.name}"
    options = _options(METHODS, "method", kind, where, entry)
    tuning = _tuning_of(config, where, kind, entry) if "tuning" in entry else None
    budget = entry.get("budget")
    _check_budget(where, budget, tuning)
    return Method(**vars(variant), kind=kind, options=options, tuning=tuning, budget=budget)


def _check_budget(where: str, budget: int | None, tuning: Tuning | None) -> None:
    """Refuse a budget of a method that is not tuned, and one of more trials than its search has."""
    if budget is None:
        return
    if tuning is None:
        raise UserError(f"{where}.budget: found {budget}, allowed: no budget for a method without tuning")
    if budget > tuning.trials:
        raise UserError(
            f"{where}.budget: found {budget}, allowed: up to {tuning.trials}, the trials of tunings.{tuning.name}"
        )


def _tuning_of(config: Config, where: str, kind: str, method: Entry) -> Tuning:
    """Return the tuning of a method.

    Raises:
        UserError: for an unknown entry of tunings, and a method with no option left to search.
    """
    name = method["tuning"]
    entry = named(config["tunings"], "tuning", where, name)
    space, rivals = METHODS.constant(kind, "SPACE", {}), METHODS.constant(kind, "ONE_OF", ())
    # Options of ONE_OF exclude each other: if the entry gives one, every trial of another would be refused.
    given = {*method, *(rivals if any(method.get(rival) is not None for rival in rivals) else ())}
    searched = {option: bounds for option, bounds in space.items() if option not in given}
    if not searched:
        names = ", ".join(space) or "(none)"
        raise UserError(f"{where}.tuning: no option is left to search; {kind} has {names}")
    return Tuning(name, entry["trials"], tuple(sorted(entry["seeds"])), entry["deletion"], searched)


def _options(registry: Plugins, level: str, kind: str, where: str, entry: Entry) -> dict[str, Any]:
    """Return all options of an entry's plug-in, checked, with defaults for those that are left out."""
    options = check_options(given_options(level, entry), registry.options(kind), where)
    check_one_of(options, registry.constant(kind, "ONE_OF", ()), where)
    return options


def named(there: Mapping[str, Any], what: str, where: str, name: str) -> Any:
    """Return the record with a name.

    Raises:
        UserError: if no record has this name.
    """
    if name not in there:
        raise one_of(f"{what} in {where}:", name, there)
    return there[name]
