"""The entries of a config as typed records: all options filled in, all names of other entries looked up.

A record of a level is a variant: an entry with its varied keys set. Records are compared by identity.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from unpoison.detectors import DETECTORS
from unpoison.poisons import POISONS
from unpoison.study.sections import PREPROCESSING
from unpoison.unlearning import needs

Scalar = str | int | float | bool
Options = Mapping[str, Any]
Amount = int | float  # a number of images, or a share of them


@dataclass(frozen=True, eq=False, slots=True)
class Settings:
    """The keys at the top of a config that hold for every job."""

    results_folder: str
    data_folder: str
    plugins: str | None
    device: str
    precision: str
    threads: int
    gpu_slots_per_device: int
    keep_models: str
    only_studies: list[str] | None
    only_seeds: str | int | None


@dataclass(frozen=True, eq=False, slots=True)
class Source:
    """A source of images. kind: a plug-in; image_size: in pixels; is_suspect: marked as suspect in the config.

    resize, interpolation: how images of other sizes become squares (`Resizing`).
    """

    name: str
    kind: str
    image_size: int
    resize: str
    interpolation: str
    options: Options
    is_suspect: bool


@dataclass(frozen=True, eq=False)
class Variant:
    """A variant of an entry. name: its folder; base: the entry's name; varied: its varied keys with their values."""

    name: str
    base: str
    varied: Mapping[str, Scalar]


def variant_name(base: str, varied: Mapping[str, Scalar]) -> str:
    """Return the name of an entry with these keys varied, in any order."""
    return base + "".join(f"@{key}={varied[key]}" for key in sorted(varied))


@dataclass(frozen=True, eq=False)
class Dataset(Variant):
    """A data set. classes: None for all; keep: images to keep of some classes; validation: rows set aside."""

    source: Source
    classes: list[str] | None
    keep: Mapping[str, Amount]
    validation: Amount


@dataclass(frozen=True, eq=False)
class Poison(Variant):
    """An attack. kind: a plug-in; stamp: when training stamps the trigger.

    avoid: a scan whose suspected rows are never planted on, or None; files: the options that name files, in the data
    folder; kinds: its plug-in and those of its parts.
    """

    kind: str
    options: Options
    stamp: str
    avoid: str | None
    files: Mapping[str, str]
    kinds: tuple[str, ...]

    @cached_property
    def plants(self) -> bool:
        """True if it plants anything."""
        return bool(POISONS.constant(self.kind, "PLANTS", True))

    @cached_property
    def is_clean(self) -> bool:
        """True if every training row is known to be clean: the control."""
        return bool(POISONS.constant(self.kind, "IS_CLEAN", False))

    @property
    def is_found(self) -> bool:
        """True if the data are used as found: nothing is planted, and rows may still be poisoned."""
        return not (self.plants or self.is_clean)

    @property
    def is_known(self) -> bool:
        """True if it is known which training rows are poisoned: planted rows, rows that a user lists, or none."""
        return not self.is_found or self.options.get("truth") is not None

    @cached_property
    def needs_surrogate(self) -> bool:
        """True if it perturbs its images against a surrogate network before it stamps them."""
        return "surrogate" in POISONS.constant(self.kind, "NEEDS", ())


@dataclass(frozen=True, eq=False)
class Training(Variant):
    """A network and its training. model: a plug-in; weights: the user's file of the model to repair, or None.

    mean, deviation: of each channel, white being 1; image_size: in pixels, None for the data's; features: a layer.
    """

    model: str
    options: Options
    recipe: Options
    weights: Path | None
    mean: list[float]
    deviation: list[float]
    image_size: int | None
    features: str | None

    @property
    def preprocessing(self) -> dict[str, Any]:
        """The preprocessing of the network, and the layer of its features."""
        return {name: getattr(self, name) for name in PREPROCESSING}


@dataclass(frozen=True, eq=False, slots=True)
class Detector:
    """A detector, which scores rows. kind: a plug-in; triggered_examples: stamped validation rows that it is shown."""

    name: str
    kind: str
    triggered_examples: int
    options: Options

    @property
    def needs(self) -> tuple[str, ...]:
        """The parts of the evidence that it needs besides the training rows: validation, triggered_examples."""
        return tuple(DETECTORS.constant(self.kind, "NEEDS"))

    @property
    def has_own_rule(self) -> bool:
        """True if it has a rule of its own for the rows that it flags."""
        return bool(DETECTORS.constant(self.kind, "OWN_RULE"))


@dataclass(frozen=True, eq=False)
class Deletion(Variant):
    """A deletion set: the user's list of flagged rows, a cut of a detector's scores, or counts.

    asked: the keys of the cut or of the counts.
    """

    flagged: Path | None
    detector: Detector | None
    asked: Options

    @property
    def bias(self) -> str | None:
        """The property of a row that the errors of a set by counts depend on; None for uniform errors."""
        return self.asked.get("bias")

    @property
    def is_empty(self) -> bool:
        """True if its settings ask for no row: a recall of 0 and no false positives."""
        return self.asked.get("recall") == 0 and not self.asked.get("fpr")


@dataclass(frozen=True, eq=False, slots=True)
class Tuning:
    """The search for a method's options.

    deletion: the name of its deletion set; space: the options that the config leaves open, each with its range.
    """

    name: str
    trials: int
    seeds: tuple[int, ...]
    deletion: str
    space: Mapping[str, Options]


@dataclass(frozen=True, eq=False)
class Method(Variant):
    """An unlearning method. kind: a plug-in; tuning: None where its options are not searched.

    budget: the number of trials, counted from the first, that its options are chosen from; None for all.
    """

    kind: str
    options: Options
    tuning: Tuning | None
    budget: int | None = None

    @property
    def searched_as(self) -> str:
        """The name of the search: the method's name without its budget, so that all budgets share one search."""
        return variant_name(self.base, {key: value for key, value in self.varied.items() if key != "budget"})

    @property
    def settled(self) -> Options:
        """The options that the config sets; tuned options are an input of jobs."""
        searched = self.tuning.space if self.tuning else ()
        return {name: value for name, value in self.options.items() if name not in searched}

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """The parts of a request that it does nothing without: forget, validation."""
        return needs(self.kind)

    @property
    def is_repair(self) -> bool:
        """True if it is given trusted rows and no deletion set."""
        return "forget" not in self.needs


@dataclass(frozen=True, eq=False, slots=True)
class Figure:
    """A figure of the config. kind: a plug-in; studies: those that it shows."""

    name: str
    kind: str
    options: Options
    studies: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Contrast:
    """A planned comparison of a study: of two methods, of two values of a key, or of both.

    metric: a metric, or healed; methods: one, or two of which the second is subtracted; along: a key with two values,
    of which the first is subtracted, or empty; at: fixed settings; class_name: None for all classes together; margin:
    of equivalence, in the unit of the metric, None if equivalence is not tested.
    """

    name: str
    metric: str
    methods: tuple[str, ...]
    along: Mapping[str, tuple[Scalar, Scalar]]
    at: Mapping[str, Scalar]
    class_name: str | None
    margin: float | None
