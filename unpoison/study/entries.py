"""The records of a config by name, and those of its variants along the axes of studies."""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from itertools import product
from typing import Any

from unpoison.errors import UserError, one_of
from unpoison.levels import REFERENCES
from unpoison.models import MODELS
from unpoison.poisons import POISONS
from unpoison.study.config import SCHEMA, check_given, validate
from unpoison.study.parts import with_parts
from unpoison.study.records import Dataset, Deletion, Method, Poison, Scalar, Training, Variant, variant_name
from unpoison.study.resolve import (
    dataset_of,
    deletion_of,
    detector_of,
    method_of,
    poison_of,
    source_of,
    training_of,
)
from unpoison.study.sections import RESERVED, SECTIONS, given_options
from unpoison.unlearning import METHODS

LONGEST_NAME = 250  # characters of a folder's name, on any current file system
Axes = Mapping[str, list[Scalar]]


class Entries:
    """Records by name. The records of a level are added when a study first asks for them."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Resolve the entries that no study varies, and check the options of all others.

        Args:
            config: as `checked` returns it.
        """
        self.config = config
        self.sources = {name: source_of(config, name) for name in config["sources"]}
        self.detectors = {name: detector_of(config, name) for name in config["detectors"]}
        self.datasets: dict[str, Dataset] = {}
        self.poisons: dict[str, Poison] = {}
        self.trainings: dict[str, Training] = {}
        self.deletions: dict[str, Deletion] = {}
        self.methods: dict[str, Method] = {}
        self.searches: dict[str, Method] = {}  # tuned methods by the name of their search, one for each
        check_entries(config)

    def of_level(self, level: str) -> Mapping[str, Variant]:
        """Return the variants of a level by name."""
        of_levels: dict[str, Mapping[str, Variant]] = {
            "dataset": self.datasets,
            "poison": self.poisons,
            "training": self.trainings,
            "deletion": self.deletions,
            "method": self.methods,
        }
        return of_levels[level]

    def variants(self, level: str, bases: Iterable[str], vary: Axes, where: str) -> list[str]:
        """Return the names of entries' variants, one for each combination of a study's values on their level.

        Raises:
            UserError: for an unknown or reserved name, an axis that does not fit, and options that are refused.
        """
        return [name for base in bases for name in self._variants(level, base, vary, where)]

    def _variants(self, level: str, base: str, vary: Axes, where: str) -> Iterator[str]:
        section = self.config[SECTIONS[level]]
        if base not in section:
            raise one_of(f"{level} in {where}:", base, section)
        taken = level == "method" and base in REFERENCES and section[base].get("method", base) != base
        if taken or base in RESERVED.get(level, ()):
            raise UserError(f"{SECTIONS[level]}.{base}: this name is reserved; choose another")
        axes = _axes_of(level, vary, where)
        for point in product(*axes.values()):
            settings = dict(zip(axes, point, strict=True))
            name = variant_name(base, settings)
            if len(name) > LONGEST_NAME:
                raise UserError(
                    f"{where}.vary: a {level} would have a folder name of {len(name)} characters; "
                    f"allowed: {LONGEST_NAME}; vary fewer of its keys"
                )
            if name not in self.of_level(level):
                self._add(level, Variant(name, base, settings), section[base])
            yield name

    def _add(self, level: str, variant: Variant, base: Mapping[str, Any]) -> None:
        entry = _with_settings(SECTIONS[level], variant, base)
        schema = SCHEMA["properties"][SECTIONS[level]]["additionalProperties"]
        validate(entry, schema, (SECTIONS[level], variant.name))
        match level:
            case "dataset":
                self.datasets[variant.name] = dataset_of(self.sources, variant, entry)
            case "poison":
                self.poisons[variant.name] = poison_of(self.config, variant, entry)
            case "training":
                self.trainings[variant.name] = training_of(self.config, variant, entry)
            case "deletion":
                self.deletions[variant.name] = deletion_of(self.config, self.detectors, variant, entry)
            case "method":
                method = method_of(self.config, variant, entry)
                self.methods[variant.name] = method
                if method.tuning is not None:
                    self.searches.setdefault(method.searched_as, method)


def _axes_of(level: str, vary: Axes, where: str) -> dict[str, list[Scalar]]:
    """Return the keys of a level that a study varies, with their values."""
    axes = {key.split(".", 1)[1]: values for key, values in vary.items() if key.split(".")[0] == level}
    for key, values in axes.items():
        if len({str if isinstance(value, str) else isinstance(value, bool) for value in values}) > 1:
            raise UserError(
                f"{where}.vary.{level}.{key}: found {values}, allowed: all numbers, all texts or all booleans"
            )
    return axes


def _with_settings(section: str, variant: Variant, base: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with the varied keys of a variant set."""
    entry = deepcopy(dict(base))
    for key, value in variant.varied.items():
        *folders, last = key.split(".")
        place = entry
        for folder in folders:
            place = place.setdefault(folder, {})
            if not isinstance(place, dict):
                raise UserError(f"{section}.{variant.name}: '{folder}' has no keys to vary; found {place!r}")
        place[last] = value
    return entry


def check_entries(config: Mapping[str, Any]) -> None:
    """Refuse bad options of trainings, poisons and methods also where no study uses them yet.

    A required option may be missing: studies may vary it.
    """
    for level, registry in (("training", MODELS), ("poison", POISONS), ("method", METHODS)):
        for name, entry in config[SECTIONS[level]].items():
            where, given = f"{SECTIONS[level]}.{name}", given_options(level, entry)
            kind = entry["model"] if level == "training" else entry.get(level, name)
            check_given(given, registry.options(kind), where)
            if level == "poison":
                with_parts(config["poisons"], name, entry, given)
            if level == "method" and "tuning" in entry and entry["tuning"] not in config["tunings"]:
                raise one_of(f"tuning in {where}:", entry["tuning"], config["tunings"])


def canonical(value: Any) -> Any:
    """Return a value with its keys sorted: equal settings give equal params, in whatever order they were written."""
    if isinstance(value, Mapping):
        return {key: canonical(value[key]) for key in sorted(value)}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [canonical(part) for part in value]
    return value
