"""Everything that is to be made, as one table built once from the config."""

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import Any

from unpoison.errors import UserError
from unpoison.own_network import OWN
from unpoison.study.deletions import check_deletion, is_empty
from unpoison.study.entries import Entries
from unpoison.study.figures import check_figure, trained_models
from unpoison.study.found import check_found, check_one_kind, is_found, is_known, suspect_sources
from unpoison.study.levels import DRAWN_ALWAYS, LEVELS
from unpoison.study.methods import check_last, check_trusted
from unpoison.study.places import check_results_folder
from unpoison.study.studies import Cell, Study
from unpoison.study.trainings import check_own
from unpoison.study.tuning import check_study


class Plan(Entries):
    """The entries of a config, its studies and their cells."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        check_results_folder(Path(self.config["results_folder"]), self._data())
        self._checked: set[tuple[str, ...]] = set()
        self.studies = {name: self._study(name, entry) for name, entry in self.config["studies"].items()}
        for name in self.studies:
            check_one_kind(self, f"studies.{name}", name)
        for name in self.config["figures"]:
            check_figure(self, name)

    @cached_property
    def cells(self) -> list[Cell]:
        """Every cell once, however many studies share it."""
        cells = {cell for study in self.studies.values() for cell in study.cells()}
        return sorted(cells, key=lambda cell: tuple(str(part) for part in vars(cell).values()))

    def cells_of(self, dataset: str, poison: str, training: str, seed: int) -> list[Cell]:
        """Return the cells of one base model: the model itself, its oracle and all repairs of it."""
        return self._cells_by_model[dataset, poison, training, seed]

    @property
    def models(self) -> list[dict[str, str | int]]:
        """Return the base models: data set, poison, training and seed of each."""
        levels = ("dataset", "poison", "training", "seed")
        return [dict(zip(levels, names, strict=True)) for names in self._cells_by_model]

    @cached_property
    def _cells_by_model(self) -> dict[tuple[str, str, str, int], list[Cell]]:
        found: dict[tuple[str, str, str, int], list[Cell]] = {}
        for cell in self.cells:
            found.setdefault((cell.dataset, cell.poison, cell.training, cell.seed), []).append(cell)
        return found

    @cached_property
    def suspect_sources(self) -> set[str]:
        """Sources whose training images may be poisoned: the user says so, or a study uses them as found."""
        return suspect_sources(self)

    @property
    def figures(self) -> list[str]:
        """Every figure by name: those of the config, and those that are drawn of every study."""
        of_studies = (
            f"{kind}_{study}"
            for kind in DRAWN_ALWAYS
            for study in sorted(self.studies)
            if kind != "training" or trained_models(self, study)
        )
        return [*sorted(self.config["figures"]), *of_studies]

    def sample_of(self, study: str) -> dict[str, str | int]:
        """The data set, seed, poison and training whose images stand for a study."""
        variants = self.studies[study].variants
        names = {level: min(variants[level]) for level in ("dataset", "poison", "training")}
        return {**names, "seed": min(self.studies[study].seeds)}

    @property
    def averaged(self) -> list[str]:
        """Return the studies that are averaged over their recalls: those of one deletion set that vary it."""
        return [
            name
            for name, study in sorted(self.studies.items())
            if "deletion.recall" in study.varied
            and len(self.config["studies"][name]["deletions"]) == 1
            and not is_found(self, name)  # whose poisons have no known true class
        ]

    def _data(self) -> Iterator[Path]:
        """The folder of the user's data, and the files and folders that sources and lists of rows name."""
        folder = Path(self.config["data_folder"])
        yield folder
        for name in self.config["sources"]:
            options = self.source_options(name)[2].values()
            yield from (folder / option for option in options if isinstance(option, str))
        for training in self.config["trainings"].values():
            if training.get("weights"):
                yield folder / training["weights"]
        yield from (folder / entry["rows"] for entry in self.config["deletions"].values() if "rows" in entry)
        yield from (
            folder / entry["truth"] for entry in self.config["poisons"].values() if entry.get("truth")
        )

    def _study(self, name: str, entry: Mapping[str, Any]) -> Study:
        bases = {
            "dataset": [entry["dataset"]],
            "poison": [entry["poison"]],
            "training": [entry["training"]],
            "deletion": entry["deletions"],
            "method": entry["methods"],
        }
        variants = {
            level: tuple(
                variant
                for base in bases[level]
                for variant in self.variants(level, base, entry["vary"], f"studies.{name}")
            )
            for level in LEVELS
        }
        seeds = entry["seeds"]
        seeds = tuple(seeds if isinstance(seeds, list) else range(seeds))
        study = Study(
            name,
            variants,
            seeds,
            tuple(sorted(entry["vary"])),
            frozenset(name for name in variants["deletion"] if is_empty(self.entry("deletion", name))),
            frozenset(filter(self.is_repair, variants["method"])),
            frozenset(name for name in variants["poison"] if not is_known(self, name)),
        )
        for dataset, poison in product(variants["dataset"], variants["poison"]):
            for training in variants["training"]:
                self._check_once(self._check_training, training)
            self._check_once(self._check_poison, dataset, poison)
            for deletion in variants["deletion"]:
                self._check_once(partial(check_deletion, self), dataset, poison, deletion)
        for method in variants["method"]:
            for dataset in variants["dataset"]:
                self._check_once(partial(check_trusted, self), dataset, method)
            for training in variants["training"]:
                self._check_once(partial(check_last, self), training, method)
        check_study(self, study)
        return study

    def add_deletion(self, base: str, where: str, study: Study) -> None:
        """Have a deletion set made for a study that is none of the study's own."""
        for deletion in self.variants("deletion", base, {}, where):
            if is_empty(self.entry("deletion", deletion)):
                raise UserError(f"{where}.deletion: '{base}' has no row to forget")
            for dataset, poison in product(study.variants["dataset"], study.variants["poison"]):
                self._check_once(partial(check_deletion, self), dataset, poison, deletion)

    def _check_once(self, check: Any, *names: str) -> None:
        if names not in self._checked:
            check(*names)
            self._checked.add(names)

    def _check_training(self, training: str) -> None:
        model, options = self.model_options(training)
        if model == OWN:
            check_own(f"trainings.{training}", options[OWN])
        self.weights_file(training)
        self.recipe(training)

    def _check_poison(self, dataset: str, poison: str) -> None:
        try:
            self.poison_count(dataset, poison)
            check_found(self, dataset, poison)
        except UserError as error:
            raise UserError(f"poison '{poison}' on dataset '{dataset}': {error}") from error
