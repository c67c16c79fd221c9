"""A study and its cells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from unpoison.attack_kinds import KINDS, NOTES, ON_SUSPECT_DATA, UNPLANTED, WITHOUT_ORACLE
from unpoison.levels import REFERENCES
from unpoison.study.records import Contrast, Dataset, Deletion, Method, Poison, Scalar, Training
from unpoison.study.wanted import Adaptive


@dataclass(frozen=True)
class Cell:
    """One model of a study. Without a deletion set it is a reference, do_nothing or oracle, or a repair."""

    dataset: str
    seed: int
    poison: str
    training: str
    deletion: str | None
    method: str


def cell_of(wildcards: Any) -> Cell:
    """Return the cell that the wildcards of a job name."""
    deletion = getattr(wildcards, "deletion", None)
    names = (wildcards.dataset, int(wildcards.seed), wildcards.poison, wildcards.training)
    return Cell(*names, deletion, wildcards.method)


@dataclass(frozen=True, eq=False)
class Study:
    """A study with its axes multiplied out: the variants of each level.

    bases: the names of each level's entries; vary: the values of each dotted key; attacks: the kind of attack (see
    `attack_kinds`) of each data set and poison, by their names; folds: of the held-out check of each repair by a
    deletion set, None without a check; contrasts: the planned comparisons; adaptive: the cells that follow from the
    rounds so far, None if all cells are run.
    """

    name: str
    question: str
    bases: Mapping[str, list[str]]
    vary: Mapping[str, list[Scalar]]
    seeds: tuple[int, ...]
    datasets: tuple[Dataset, ...]
    poisons: tuple[Poison, ...]
    trainings: tuple[Training, ...]
    deletions: tuple[Deletion, ...]
    methods: tuple[Method, ...]
    attacks: Mapping[tuple[str, str], str]
    folds: int | None = None
    contrasts: tuple[Contrast, ...] = ()
    adaptive: Adaptive | None = None

    @cached_property
    def variants(self) -> dict[str, tuple[str, ...]]:
        """The names of the variants of each level."""
        levels = {
            "dataset": self.datasets,
            "poison": self.poisons,
            "training": self.trainings,
            "deletion": self.deletions,
            "method": self.methods,
        }
        return {level: tuple(record.name for record in records) for level, records in levels.items()}

    @property
    def attack(self) -> str:
        """The kind of attack; if there are several, as when the source varies, the last in the order of `KINDS`."""
        return max(self.attacks.values(), key=KINDS.index)

    @property
    def plants(self) -> bool:
        """True if it plants an attack."""
        return set(UNPLANTED).isdisjoint(self.attacks.values())

    @property
    def is_on_suspect_data(self) -> bool:
        """True if an attack is planted on images that may already be poisoned."""
        return ON_SUSPECT_DATA in self.attacks.values()

    @property
    def repairs(self) -> frozenset[str]:
        """The methods that take no deletion set, and are run once for each base model."""
        return frozenset(method.name for method in self.methods if method.is_repair)

    @property
    def by_deletion(self) -> list[Method]:
        """Return the methods that are run for each deletion set."""
        return [method for method in self.methods if not (method.is_repair or method.name in REFERENCES)]

    @property
    def filled(self) -> list[Deletion]:
        """Return the deletion sets with rows."""
        return [deletion for deletion in self.deletions if not deletion.is_empty]

    def cells(self) -> Iterator[Cell]:
        """Yield the cells: references and repairs for each base model, methods for each deletion set with rows."""
        repairs, adaptive = self.repairs, self.adaptive
        by_deletion = [method.name for method in self.by_deletion]
        deletions = [deletion.name for deletion in self.filled]
        for dataset, poison, training in product(self.datasets, self.poisons, self.trainings):
            has_oracle = self.attacks[dataset.name, poison.name] not in WITHOUT_ORACLE
            references = [name for name in REFERENCES if name != "oracle" or has_oracle]
            place = (dataset.name, poison.name, training.name)
            for seed in self.seeds:
                wanted = list(product(deletions, by_deletion))
                others = [*references, *repairs]
                if adaptive:
                    wanted = [each for each in wanted if adaptive.wants((*place, *each), seed)]
                    others = others if adaptive.wants_others(seed) else references if wanted else []
                for method in others:
                    yield Cell(dataset.name, seed, *place[1:], None, method)
                for deletion, method in wanted:
                    yield Cell(dataset.name, seed, *place[1:], deletion, method)


def range_of(study: Study) -> tuple[int, int]:
    """Return the fewest and the most networks that a whole adaptive study trains or repairs, with its references."""
    assert study.adaptive is not None, "the cells of other studies are known"
    bases = len(study.datasets) * len(study.poisons) * len(study.trainings)
    ends = study.adaptive.bounds(bases * len(study.filled) * len(study.by_deletion), len(study.seeds))
    seeds = study.adaptive.seeds_at_ends(len(study.seeds))
    others = bases * len(REFERENCES)
    return ends[0] + others * seeds[0], ends[1] + others * seeds[1]


def note_of(*studies: Study) -> str:
    """Return the note that a figure of some studies needs: in which of them an attack was planted on suspect data."""
    suspect = sorted(study.name for study in studies if study.is_on_suspect_data)
    if not suspect:
        return ""
    which = "" if len(suspect) == len(studies) else f" ({', '.join(suspect)})"
    return f"{NOTES[ON_SUSPECT_DATA]}{which}"
