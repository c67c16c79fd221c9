"""The entries of a config by name, checked and with their defaults, and their variants along the axes of studies."""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Any

from unpoison.contracts.source import Peek
from unpoison.datasets import SOURCES
from unpoison.detectors import DETECTORS
from unpoison.errors import UserError, one_of
from unpoison.models import MODELS
from unpoison.plots import PLOTS
from unpoison.poisons import POISONS, with_files
from unpoison.rows import count_rows
from unpoison.study.attacks import with_parts
from unpoison.study.config import SCHEMA, check_given, check_options, checked, validate
from unpoison.study.deletions import check_detector
from unpoison.study.found import plants
from unpoison.study.levels import LEVELS, PREPROCESSING, REFERENCES, RESERVED, SECTIONS, given_options
from unpoison.study.own_plugins import register_plugins
from unpoison.study.peeks import peek
from unpoison.study.trainings import weights_file
from unpoison.study.tuning import check_tuning
from unpoison.unlearning import METHODS, needs

Scalar = str | int | float | bool
NULLS = ("null", "~", "")  # names of classes that YAML reads as no value
LONGEST_NAME = 250  # of a folder, on any file system of today


class Entries:
    """The checked config, and its entries and variants by name."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = checked(config)
        register_plugins(self.config["plugins"])
        self.entries: dict[str, dict[str, dict[str, Any]]] = {level: {} for level in LEVELS}
        self.varied: dict[str, dict[str, dict[str, Scalar]]] = {level: {} for level in LEVELS}
        self.bases: dict[str, dict[str, str]] = {level: {} for level in LEVELS}  # of each variant, its entry
        self._peeks: dict[str, Peek] = {}
        for name in self.config["sources"]:
            self.source_options(name)
        self._check_entries()

    def entry(self, level: str, name: str) -> dict[str, Any]:
        """The entry of a variant, its varied keys set."""
        return self.entries[level][name]

    def source_of(self, dataset: str) -> str:
        return str(self.entry("dataset", dataset)["source"])

    def kind_and_options(self, level: str, name: str) -> tuple[str, dict[str, Any]]:
        """The plug-in that a poison or method entry names, and all its options, defaults and parts filled in."""
        entry = dict(self.entry(level, name))
        registry = {"poison": POISONS, "method": METHODS}[level]
        kind, where = entry[level], f"{SECTIONS[level]}.{name}"
        given = given_options(level, entry)
        options = check_options(given, registry.options(kind), where)
        return kind, with_parts(self, name, entry, options) if level == "poison" else options

    def is_repair(self, method: str) -> bool:
        """Whether a method is given no deletion set, but trusted rows alone."""
        return "forget" not in needs(str(self.entry("method", method)["method"]))

    def source_options(self, name: str) -> tuple[str, int, dict[str, Any]]:
        """The plug-in of a source entry, its image size and its options."""
        entry = dict(self.config["sources"][name])
        entry.pop("suspect", None)
        kind, image_size = entry.pop("source", name), entry.pop("image_size")
        return kind, image_size, check_options(entry, SOURCES.options(kind), f"sources.{name}")

    def peek(self, source: str) -> Peek:
        """What is known of a source before it is read."""
        if source not in self._peeks:
            kind, _, options = self.source_options(source)
            self._peeks[source] = peek(kind, Path(self.config["data_folder"]), options)
        return self._peeks[source]

    def model_options(self, training: str) -> tuple[str, dict[str, Any]]:
        """The model of a training and its options."""
        entry = self.entry("training", training)
        given = given_options("training", entry)
        return entry["model"], check_options(given, MODELS.options(entry["model"]), f"trainings.{training}")

    def preprocessing(self, training: str) -> dict[str, Any]:
        """Return the preprocessing of a training's network, and the name of the layer of its features."""
        entry = self.entry("training", training)
        return {key: entry.get(key) for key in PREPROCESSING}

    def weights_file(self, training: str) -> Path | None:
        """The user's weights of a training, the model to repair; None where it is trained."""
        entry = self.entry("training", training)
        return weights_file(f"trainings.{training}", self.config["data_folder"], entry.get("weights"))

    def recipe(self, training: str) -> dict[str, Any]:
        name = self.entry("training", training)["recipe"]
        if name not in self.config["recipes"]:
            raise one_of(f"recipe in trainings.{training}:", name, self.config["recipes"])
        return dict(self.config["recipes"][name])

    def detector_options(self, name: str) -> tuple[str, int, dict[str, Any]]:
        """The plug-in of a detector entry, how many triggered examples it is shown, and its options."""
        if name not in self.config["detectors"]:
            raise one_of("detector", name, self.config["detectors"])
        entry = dict(self.config["detectors"][name])
        kind, examples = entry.pop("detector", name), entry.pop("triggered_examples", 0)
        return kind, examples, check_options(entry, DETECTORS.options(kind), f"detectors.{name}")

    def figure_options(self, name: str) -> tuple[str, dict[str, Any]]:
        """The plug-in of a figure entry and its options."""
        entry = dict(self.config["figures"][name])
        del entry["studies"]
        kind = entry.pop("figure", name)
        return kind, check_options(entry, PLOTS.options(kind), f"figures.{name}")

    def flagged_file(self, deletion: str) -> Path | None:
        """The user's own list of flagged rows, of a deletion set that is one."""
        file = self.entry("deletion", deletion).get("rows")
        return None if file is None else Path(self.config["data_folder"]) / file

    def training_rows(self, dataset: str) -> dict[str, int]:
        """Training rows of each class."""
        kept, aside = self._rows_of(dataset)
        return {name: kept[name] - aside[name] for name in kept}

    def untested(self, dataset: str) -> list[str]:
        """Classes of a data set that have no test image."""
        tests = self.peek(self.source_of(dataset)).tests
        return [name for name in self.training_rows(dataset) if not tests.get(name)]

    def validation_rows(self, dataset: str) -> int:
        """Rows that are set aside: the trusted sample."""
        return sum(self.validation_by_class(dataset).values())

    def validation_by_class(self, dataset: str) -> dict[str, int]:
        """Rows of each class that are set aside, and those that the source has as trusted ones."""
        trusted = self.peek(self.source_of(dataset)).trusted
        return {name: count + trusted.get(name, 0) for name, count in self._rows_of(dataset)[1].items()}

    def triggered_by_class(self, dataset: str) -> dict[str, int]:
        """Test images of each class that carry an attacker's trigger already."""
        triggered = self.peek(self.source_of(dataset)).triggered
        return {name: triggered.get(name, 0) for name in self.training_rows(dataset)}

    def _rows_of(self, dataset: str) -> tuple[dict[str, int], dict[str, int]]:
        entry = self.entry("dataset", dataset)
        if entry["source"] not in self.config["sources"]:
            raise one_of(f"source in datasets.{dataset}:", entry["source"], self.config["sources"])
        there = self.peek(entry["source"]).counts
        options = {key: entry.get(key) for key in ("classes", "keep")}
        return count_rows(there, validation=entry["validation"], **options)

    def poison_count(self, dataset: str, poison: str) -> int:
        """How many rows the poison changes."""
        there = self.training_rows(dataset)
        kind, options = self.kind_and_options("poison", poison)
        options = with_files(kind, options, self.config["data_folder"])
        for chosen in (options, *(part["options"] for part in options.get("parts", ()))):
            named = [name for name in there if name.lower() in NULLS]
            if named and chosen.get("target", "") is None and plants(self, poison):
                raise UserError(
                    f"target: null labels each class as the next one, and there is a class '{named[0]}'; for that "
                    f'class write target: "{named[0]}", in quotes'
                )
        image_size = self.source_options(self.source_of(dataset))[1]
        count = POISONS.module(kind).plan(there, image_size, **options)
        if count >= sum(there.values()):
            verb = "poisons" if plants(self, poison) else "lists"
            raise UserError(f"it {verb} all {count} training rows; no clean one is left")
        return count

    def variants(self, level: str, base: str, vary: Mapping[str, list[Scalar]], where: str) -> Iterator[str]:
        """An entry's variants, one for each point of a study's axes on its level: entries themselves from then on."""
        section = self.config[SECTIONS[level]]
        if base not in section:
            raise one_of(f"{level} in {where}:", base, section)
        taken = level == "method" and base in REFERENCES and section[base].get("method", base) != base
        if taken or base in RESERVED.get(level, ()):
            raise UserError(f"{SECTIONS[level]}.{base}: this name is reserved; choose another")
        axes = {key.split(".", 1)[1]: values for key, values in vary.items() if key.split(".")[0] == level}
        for key, values in axes.items():
            if len({str if isinstance(value, str) else isinstance(value, bool) for value in values}) > 1:
                raise UserError(
                    f"{where}.vary.{level}.{key}: found {values}, allowed: all numbers, all texts or all booleans"
                )
        for point in product(*axes.values()):
            settings = dict(zip(axes, point, strict=True))
            variant = base + "".join(f"@{key}={settings[key]}" for key in sorted(settings))
            if len(variant) > LONGEST_NAME:
                raise UserError(
                    f"{where}.vary: a {level} would have a folder named by {len(variant)} characters; "
                    f"allowed: {LONGEST_NAME}; vary fewer of its keys"
                )
            if variant not in self.entries[level]:
                self._add(level, variant, section[base], settings)
                self.bases[level][variant] = base
            yield variant

    def _add(self, level: str, variant: str, base: Mapping[str, Any], settings: Mapping[str, Scalar]) -> None:
        entry = deepcopy(dict(base))
        if level in ("poison", "method"):
            entry.setdefault(level, variant.split("@", maxsplit=1)[0])
        for key, value in settings.items():
            *folders, last = key.split(".")
            place = entry
            for folder in folders:
                place = place.setdefault(folder, {})
                if not isinstance(place, dict):
                    raise UserError(
                        f"{SECTIONS[level]}.{variant}: '{folder}' has no keys to vary; found {place!r}"
                    )
            place[last] = value
        validate(
            entry, SCHEMA["properties"][SECTIONS[level]]["additionalProperties"], (SECTIONS[level], variant)
        )
        self.entries[level][variant] = entry
        self.varied[level][variant] = dict(settings)
        if level in ("poison", "method"):
            self.kind_and_options(level, variant)

    def _check_entries(self) -> None:
        """Refuse bad options of trainings, poisons, methods and detectors also where no study uses them yet."""
        for name in self.config["detectors"]:
            check_detector(self, name)
        for name, entry in self.config["trainings"].items():
            given = given_options("training", entry)
            check_given(given, MODELS.options(entry["model"]), f"trainings.{name}")
        for level, registry in (("poison", POISONS), ("method", METHODS)):
            for name, entry in self.config[SECTIONS[level]].items():
                where = f"{SECTIONS[level]}.{name}"
                given = given_options(level, entry)
                check_given(given, registry.options(entry.get(level, name)), where)
                if level == "poison":
                    with_parts(self, name, entry, given)
                if level == "method" and "tuning" in entry:
                    check_tuning(self, where, entry["tuning"])


def canonical(value: Any) -> Any:
    """The same value with its keys in order: equal settings give equal params, however they were written."""
    if isinstance(value, Mapping):
        return {key: canonical(value[key]) for key in sorted(value)}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [canonical(part) for part in value]
    return value
