"""Searches for poisoned rows: the entries of `scans`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from unpoison.errors import UserError, one_of
from unpoison.study.counts import Counts
from unpoison.study.deletions import check_deletion
from unpoison.study.records import Dataset, Deletion, Detector, Poison, Settings, Source, Training
from unpoison.study.repair_command import path_of, repair_command

CHECK = "left_out"  # the detector that decides the verdict


@dataclass(frozen=True, eq=False)
class Scan:
    """A search for poisoned rows. detectors: they score the rows; seeds: of models and detectors, one for each search.

    planted: attacks that measure what the detectors find on these data, on models of planted_training.
    """

    name: str
    dataset: Dataset
    poison: Poison
    training: Training
    detectors: tuple[Detector, ...]
    seeds: tuple[int, ...]
    planted: tuple[Poison, ...] = ()
    planted_training: Training | None = None

    @property
    def planted_names(self) -> list[Mapping[str, str | int]]:
        """Return the base model of each planted attack: data set, poison, training and seed."""
        if self.planted_training is None:
            return []
        shared = {**self.names(self.seeds[0]), "training": self.planted_training.name}
        return [{**shared, "poison": poison.name} for poison in self.planted]

    @property
    def check(self) -> Detector:
        """The detector that decides the verdict."""
        return next(detector for detector in self.detectors if detector.kind == CHECK)

    def names(self, seed: int) -> Mapping[str, str | int]:
        """Return the base model of a seed: data set, poison, training and seed."""
        return {
            "dataset": self.dataset.name,
            "poison": self.poison.name,
            "training": self.training.name,
            "seed": seed,
        }


def check_scan(counts: Counts, scan: Scan) -> None:
    """Refuse a scan without the left-out check, and detectors that cannot run or have no rule of their own."""
    if all(detector.kind != CHECK for detector in scan.detectors):
        found = ", ".join(detector.name for detector in scan.detectors)
        raise UserError(
            f"scans.{scan.name}.detectors: found {found}, allowed: the detector {CHECK}, alone or with others"
        )
    for detector in scan.detectors:
        deletion = Deletion(detector.name, detector.name, {}, None, detector, {})
        try:
            check_deletion(counts, scan.dataset, scan.poison, deletion)
        except UserError as error:
            raise UserError(f"scans.{scan.name}: detectors.{detector.name}: {error}") from error
    for poison in scan.planted:
        _check_planted(scan, poison)


def _check_planted(scan: Scan, poison: Poison) -> None:
    """Refuse a planted attack that plants nothing or needs a surrogate, and a training with given weights."""
    where = f"scans.{scan.name}.planted"
    if not poison.plants or poison.needs_surrogate:
        raise UserError(
            f"{where}.poisons: found {poison.name} ({poison.kind}), allowed: a poison that stamps a trigger"
        )
    if scan.planted_training is not None and scan.planted_training.weights is not None:
        raise UserError(
            f"{where}.training: found {scan.planted_training.name} with weights, allowed: one without; given weights "
            "were not trained on the planted rows"
        )


def check_avoided(poisons: Iterable[Poison], scans: Mapping[str, Scan]) -> None:
    """Refuse poisons that avoid the rows of an unknown scan, or of a scan whose own poison avoids rows."""
    for poison in poisons:
        if poison.avoid is None:
            continue
        if poison.avoid not in scans:
            raise one_of(f"scan in poisons.{poison.name}.avoid:", poison.avoid, scans)
        if scans[poison.avoid].poison.avoid is not None:
            raise UserError(
                f"poisons.{poison.name}.avoid: found the scan {poison.avoid} of a poison that avoids rows itself; "
                "allowed: a scan of data as found"
            )


def words_of(scan: Scan, settings: Settings) -> dict[str, Any]:
    """Return the texts of a scan's page: the data, the command of a repair, and the settings.

    Args:
        settings: those of the config.
    """
    source, training = scan.dataset.source, scan.training
    return {
        "data": name_of_data(source),
        "repair": repair_command(settings, source, training),
        "settings": {**settings_of_training(training), "searches": str(len(scan.seeds))},
    }


def name_of_data(source: Source) -> str:
    """Return the path of the training images as the config gives it, or the source's name."""
    path = path_of(source)
    return source.name if path is None else path


def settings_of_training(training: Training) -> dict[str, str]:
    """Return the network and the recipe of a training, with their labels."""
    network = training.options.get("python") or " ".join(
        map(str, (training.model, *training.options.values()))
    )
    how = ", ".join(f"{name} {value}" for name, value in training.recipe.items() if value is not None)
    return {
        "network": f"{network}, {'weights as given' if training.weights else 'trained here'}",
        "recipe of all other trainings": how,
    }
