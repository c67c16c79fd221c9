"""The plan: everything that is to be made, built once from the config."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from unpoison.errors import UserError
from unpoison.levels import BASE_MODEL
from unpoison.study.adaptive import as_adaptive, as_decided, bisection_of, settling_of
from unpoison.study.config import checked
from unpoison.study.contrasts import all_planned, check_contrasts, contrasts_of
from unpoison.study.counts import Counts
from unpoison.study.deletions import check_deletion
from unpoison.study.entries import Entries
from unpoison.study.figures import check_figure, trained_models
from unpoison.study.found import attack_of, check_one_kind, check_poison, suspect_sources
from unpoison.study.methods import check_last, check_trusted, check_tuned_on, check_tuning, served_by_search
from unpoison.study.own_plugins import register_plugins
from unpoison.study.places import check_results_folder
from unpoison.study.records import Tuning
from unpoison.study.repairs import Repair, as_study, check_repair, folds_of
from unpoison.study.resolve import figure_of, named, probes_of, settings_of
from unpoison.study.scans import Scan, check_avoided, check_scan
from unpoison.study.sections import DRAWN_ALWAYS
from unpoison.study.seed_blocks import chosen, within_block
from unpoison.study.studies import Cell, Study
from unpoison.study.trainings import check_training
from unpoison.study.wanted import Halving


class Plan(Entries):
    """The records of a config, its studies and their cells.

    figures: those of the config; `all_figures` adds those that are drawn of every study. probes: the options of each
    by its name. repairs: the models to hand over; their cells belong to no study. folds: the number of folds of the
    held-out check, by cell. scans: the searches for poisoned rows.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Resolve and check a config.

        Raises:
            UserError: for the first thing that is wrong with it.
        """
        filled = checked(config)
        self.settings = settings_of(filled)
        register_plugins(self.settings.plugins)
        super().__init__(filled)
        self.probes = probes_of(filled)
        self.counts = Counts(self.settings.data_folder)
        check_results_folder(Path(self.settings.results_folder), self._data())
        self._checked: set[tuple[object, ...]] = set()
        studies = [self._study(f"studies.{name}", name, entry) for name, entry in filled["studies"].items()]
        repairs = [
            self._study(f"repairs.{name}", name, as_study(entry)) for name, entry in filled["repairs"].items()
        ]
        self.scans = {name: self._scan(name, entry) for name, entry in filled["scans"].items()}
        check_avoided(self.poisons.values(), self.scans)
        if not (studies or repairs or self.scans):
            raise UserError(
                "the config asks for nothing: found no entry of studies, repairs and scans, allowed: one or more"
            )
        whole = self._with_attacks([*studies, *repairs])
        asked = chosen(whole[: len(studies)], self.settings.only_studies)
        self.studies = {
            study.name: as_decided(study, Path(self.settings.results_folder))
            for study in within_block(asked, self.settings.only_seeds)
        }
        for study in self.studies.values():
            check_one_kind(f"studies.{study.name}", study)
            check_contrasts(self.counts, study)
        self.repairs: dict[str, Repair] = {}
        for study in whole[len(studies) :]:
            check_repair(self.settings, study)
            self.repairs[study.name] = Repair(
                study.name, study, study.folds or 0, filled["repairs"][study.name]["why"]
            )
        self.folds = folds_of(whole)
        left_out = {study.name for study in studies} - set(self.studies)
        figures = {name: figure_of(filled, name) for name in filled["figures"]}
        self.figures = {
            name: figure for name, figure in figures.items() if left_out.isdisjoint(figure.studies)
        }
        for figure in self.figures.values():
            check_figure(self.counts, figure, self.studies)

    @cached_property
    def cells(self) -> list[Cell]:
        """The cells of all studies, each once, however many studies share it."""
        cells = {cell for study in self.studies.values() for cell in study.cells()}
        return sorted(cells, key=lambda cell: tuple(str(part) for part in vars(cell).values()))

    @property
    def all_cells(self) -> list[Cell]:
        """Return the cells of studies, and those of models to hand over."""
        return list(dict.fromkeys([*self.cells, *(repair.cell for repair in self.repairs.values())]))

    @cached_property
    def served(self) -> dict[Cell, int]:
        """The number of deletion sets that share a tuned method's search, by cell."""
        return served_by_search(self.methods, self.all_cells)

    def cells_of(self, dataset: str, poison: str, training: str, seed: int) -> list[Cell]:
        """Return the cells of one base model: the model itself, its oracle and all repairs of it."""
        return self.cells_by_model[dataset, poison, training, seed]

    @property
    def models(self) -> list[dict[str, str | int]]:
        """Return the base models: data set, poison, training and seed of each."""
        return [dict(zip(BASE_MODEL, names, strict=True)) for names in self.cells_by_model]

    @cached_property
    def cells_by_model(self) -> dict[tuple[str, str, str, int], list[Cell]]:
        """The cells of each base model, by data set, poison, training and seed."""
        found: dict[tuple[str, str, str, int], list[Cell]] = {}
        for cell in self.cells:
            found.setdefault((cell.dataset, cell.poison, cell.training, cell.seed), []).append(cell)
        return found

    @property
    def all_figures(self) -> list[str]:
        """The names of all figures: those of the config, and those that are drawn of every study."""
        of_studies = (
            f"{kind}_{name}"
            for kind in DRAWN_ALWAYS
            for name, study in sorted(self.studies.items())
            if kind != "training" or trained_models(study)
        )
        return [*sorted(self.figures), *of_studies]

    def sample_of(self, study: str) -> dict[str, str | int]:
        """Return the data set, seed, poison and training whose images represent a study."""
        variants = self.studies[study].variants
        names = {level: min(variants[level]) for level in ("dataset", "poison", "training")}
        return {**names, "seed": min(self.studies[study].seeds)}

    @property
    def averaged(self) -> list[str]:
        """Return the studies that are averaged over their recalls: those that vary the recall of one deletion set."""
        return [
            name
            for name, study in sorted(self.studies.items())
            if "deletion.recall" in study.vary
            and not isinstance(study.adaptive, Halving)  # its recalls differ from seed to seed
            and len(study.bases["deletion"]) == 1
            and study.plants  # poisons of data as found have no known true class
        ]

    @property
    def asked_of_tables(self) -> dict[str, Any]:
        """Return the settings that tables take from the studies, by the parts of `unpoison.tables.DERIVED`."""
        return {
            "averaged": self.averaged,
            "rounds": self.rounds,
            "contrasts": all_planned(self.studies),
        }

    @property
    def rounds(self) -> dict[str, dict[str, Any]]:
        """Return the rule and its settings of each adaptive study, by the study's name."""
        return {
            name: study.adaptive.asked() for name, study in sorted(self.studies.items()) if study.adaptive
        }

    def _data(self) -> Iterator[Path]:
        """Yield the folder of the user's data, and the files and folders that sources and other entries name."""
        folder = Path(self.settings.data_folder)
        yield folder
        for source in self.sources.values():
            yield from (folder / option for option in source.options.values() if isinstance(option, str))
        for section, key in (("trainings", "weights"), ("deletions", "rows"), ("poisons", "truth")):
            yield from (folder / entry[key] for entry in self.config[section].values() if entry.get(key))

    def _study(self, where: str, name: str, entry: Mapping[str, Any]) -> Study:
        """Return a checked study, whose kinds of attack are not set yet."""
        bases = {
            "dataset": [entry["dataset"]],
            "poison": [entry["poison"]],
            "training": [entry["training"]],
            "deletion": entry["deletions"],
            "method": entry["methods"],
        }
        bisection, vary = bisection_of(where, entry["vary"])
        settling = settling_of(where, entry)
        variants = {level: self.variants(level, names, vary, where) for level, names in bases.items()}
        seeds = settling.at_most if settling else entry["seeds"]
        study = Study(
            name,
            entry["question"],
            bases,
            vary,
            tuple(seeds if isinstance(seeds, list) else range(seeds)),
            tuple(self.datasets[variant] for variant in variants["dataset"]),
            tuple(self.poisons[variant] for variant in variants["poison"]),
            tuple(self.trainings[variant] for variant in variants["training"]),
            tuple(self.deletions[variant] for variant in variants["deletion"]),
            tuple(self.methods[variant] for variant in variants["method"]),
            attacks={},
            folds=entry["verify"]["folds"] if "verify" in entry else None,
            contrasts=contrasts_of(entry["contrasts"]),
        )
        study = as_adaptive(study, bisection or settling, entry.get("settle", {}))
        self._check_study(study)
        return study

    def _scan(self, name: str, entry: Mapping[str, Any]) -> Scan:
        where = f"scans.{name}"
        chosen = {
            level: self.of_level(level)[self.variants(level, [entry[level]], {}, where)[0]]
            for level in ("dataset", "poison", "training")
        }
        detectors = tuple(
            named(self.detectors, "detector", f"{where}.detectors", detector)
            for detector in entry["detectors"]
        )
        planted = entry.get("planted", {"poisons": [], "training": None})
        of_planted = planted["training"] and self.variants("training", [planted["training"]], {}, where)[0]
        scan = Scan(
            name,
            **chosen,  # type: ignore[arg-type]
            detectors=detectors,
            seeds=tuple(range(entry["seeds"])),
            planted=tuple(
                self.poisons[each] for each in self.variants("poison", planted["poisons"], {}, where)
            ),
            planted_training=self.trainings[of_planted] if of_planted else None,
        )
        for training in {scan.training, scan.planted_training} - {None}:
            self._check_once(check_training, training)
        for poison in (scan.poison, *scan.planted):
            self._check_once(check_poison, self.counts, scan.dataset, poison)
        check_scan(self.counts, scan)
        return scan

    def _check_study(self, study: Study) -> None:
        for training in study.trainings:
            self._check_once(check_training, training)
        for dataset, poison in product(study.datasets, study.poisons):
            self._check_once(check_poison, self.counts, dataset, poison)
            for deletion in study.deletions:
                self._check_once(check_deletion, self.counts, dataset, poison, deletion)
        for method in study.methods:
            for dataset in study.datasets:
                self._check_once(check_trusted, self.counts, dataset, method)
            for training in study.trainings:
                self._check_once(check_last, training, method)
            if method.tuning is not None:
                check_tuning(self.counts, study, method.tuning)
                self._add_deletion(method.tuning, study)

    def _add_deletion(self, tuning: Tuning, study: Study) -> None:
        """Add the deletion set of a tuning to the plan; it need not be one of the study's own."""
        (name,) = self.variants("deletion", [tuning.deletion], {}, f"tunings.{tuning.name}")
        deletion = self.deletions[name]
        for dataset, poison in product(study.datasets, study.poisons):
            self._check_once(check_deletion, self.counts, dataset, poison, deletion)
        check_tuned_on(self.counts, study, tuning, deletion)

    def _check_once(self, check: Callable[..., None], *arguments: object) -> None:
        """Run a check, but only once if several studies share its arguments."""
        if (check, *arguments) not in self._checked:
            check(*arguments)
            self._checked.add((check, *arguments))

    def _with_attacks(self, studies: list[Study]) -> list[Study]:
        """Return the studies with their kinds of attack. A source that one study uses as found is suspect in all."""
        pairs = [pair for study in studies for pair in product(study.datasets, study.poisons)]
        suspect = suspect_sources(self.sources, pairs, self.settings.data_folder)
        found = []
        for study in studies:
            attacks = {
                (dataset.name, poison.name): attack_of(dataset, poison, suspect)
                for dataset, poison in product(study.datasets, study.poisons)
            }
            found.append(replace(study, attacks=attacks))
        return found
