"""Models to hand over: the entries of `repairs`, and the folds of held-out checks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from unpoison.errors import UserError
from unpoison.study.records import Settings, Training
from unpoison.study.scans import name_of_data, settings_of_training
from unpoison.study.studies import Cell, Study


@dataclass(frozen=True, eq=False)
class Repair:
    """A repaired model to hand over. study: its one cell; folds: of its held-out check; why: reason for its method."""

    name: str
    study: Study
    folds: int
    why: str

    @property
    def cell(self) -> Cell:
        """The cell whose model is handed over."""
        return next(cell for cell in self.study.cells() if cell.deletion)


def as_study(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of a study that has the one cell of a repair."""
    names = {key: entry[key] for key in ("dataset", "poison", "training")}
    lists = {"deletions": [entry["deletion"]], "methods": [entry["method"]], "seeds": [entry["seed"]]}
    verify = {"folds": entry["folds"]}
    return {"question": "", **names, **lists, "vary": {}, "verify": verify, "contrasts": {}}


def check_repair(settings: Settings, study: Study) -> None:
    """Refuse a repair that forgets no rows, and one whose weights are not kept."""
    where, method = f"repairs.{study.name}", study.methods[0]
    if not any(cell.deletion for cell in study.cells()):
        raise UserError(
            f"{where}: found method {method.name} and deletion {study.deletions[0].name}, allowed: a method that "
            "forgets rows, and a deletion set with rows"
        )
    if settings.keep_models != "all":
        raise UserError(
            f"{where} hands over weights; found keep_models: {settings.keep_models}, allowed: all"
        )


def folds_of(studies: Iterable[Study]) -> dict[Cell, int]:
    """Return the number of folds of each cell that is checked.

    Raises:
        UserError: if two studies or repairs ask for different numbers of folds of the same cell.
    """
    found: dict[Cell, int] = {}
    for study in studies:
        for cell in study.cells() if study.folds else ():
            if cell.deletion and found.setdefault(cell, study.folds or 0) != study.folds:
                raise UserError(
                    f"verify.folds: found {found[cell]} and {study.folds} ({study.name}) for the model of "
                    f"{cell.deletion}/{cell.method}; allowed: one number"
                )
    return found


def words_of_repair(repair: Repair, probes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the texts of a repair's page: data, method, the lines that load the weights, and settings."""
    study, cell = repair.study, repair.cell
    dataset, training, method = study.datasets[0], study.trainings[0], study.methods[0]
    options = {name: value for name, value in method.options.items() if value is not None}
    told = ", ".join(f"{name} {value}" for name, value in options.items())
    settings = {
        "method": f"{method.kind}: {told}" if told else method.kind,
        **settings_of_training(training),
        "seed": str(cell.seed),
        "parts of the held-out check": str(repair.folds),
    }
    return {
        "data": name_of_data(dataset.source),
        "method": method.kind,
        "why": repair.why,
        "loading": _loading(training),
        "settings": settings,
        "probe": probes["relearning"]["length"] if "relearning" in probes else None,
    }


def _loading(training: Training) -> str:
    """Return the lines of Python that load the repaired weights."""
    own = training.options.get("python")
    given = training.options.get("arguments") or {}
    name = str(own).rpartition(":")[2] if own else "Network"
    arguments = ", ".join(f"{key}={value!r}" for key, value in given.items())
    called = (
        f"model = {name}({arguments})" if own else "model = ...  # the network that the settings below name"
    )
    return (
        "from safetensors.torch import load_file\n\n"
        f"{called}\nmodel.load_state_dict(load_file('repaired.safetensors'))\nmodel.eval()"
    )
