"""Everything that is to be made, as one table built once from the config."""

import os
from collections.abc import Mapping
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import Any

from planning.deletions import check_deletion, is_empty
from planning.entries import Entries
from planning.figures import check_figure
from planning.levels import DRAWN_ALWAYS, LEVELS
from planning.methods import check_last, check_trusted
from planning.studies import Cell, Study
from planning.tuning import check_study
from unpoison.errors import UserError

ROOT = Path(__file__).parents[2]


class Plan(Entries):
    """The entries of a config, its studies and their cells."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        check_writable(Path(self.config["results_folder"]))
        self._checked: set[tuple[str, ...]] = set()
        self.studies = {name: self._study(name, entry) for name, entry in self.config["studies"].items()}
        for name in self.config["figures"]:
            check_figure(self, name)

    @cached_property
    def cells(self) -> list[Cell]:
        """Every cell once, however many studies share it."""
        cells = {cell for study in self.studies.values() for cell in study.cells()}
        return sorted(cells, key=lambda cell: tuple(str(part) for part in vars(cell).values()))

    @property
    def figures(self) -> list[str]:
        """Every figure by name: those of the config, and those that are drawn of every study."""
        of_studies = (f"{kind}_{study}" for kind in DRAWN_ALWAYS for study in sorted(self.studies))
        return [*sorted(self.config["figures"]), *of_studies]

    def sample_of(self, study: str) -> dict[str, str | int]:
        """The data set, seed, poison and training whose images stand for a study."""
        variants = self.studies[study].variants
        names = {level: min(variants[level]) for level in ("dataset", "poison", "training")}
        return {**names, "seed": min(self.studies[study].seeds)}

    @property
    def averages(self) -> dict[str, list[str]]:
        """The table of averages over recalls with its studies: those of one deletion set that vary it; or none."""
        found = [
            name
            for name, study in self.studies.items()
            if "deletion.recall" in study.varied and len(self.config["studies"][name]["deletions"]) == 1
        ]
        return {"utility_healed": sorted(found)} if found else {}

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
        self.model_options(training)
        self.recipe(training)

    def _check_poison(self, dataset: str, poison: str) -> None:
        try:
            self.poison_count(dataset, poison)
        except UserError as error:
            raise UserError(f"poison '{poison}' on dataset '{dataset}': {error}") from error


def check_writable(folder: Path) -> None:
    """Refuse a results folder that could not be made or written to, or that holds the project itself."""
    if ROOT.is_relative_to(folder.resolve()):
        raise UserError(f"results_folder '{folder}' holds this project; choose a folder for results alone")
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
    except OSError as error:
        raise UserError(f"results_folder '{folder}' cannot be written: {error.strerror}") from error
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"results_folder '{folder}' cannot be written: {there} is not a writable folder")
