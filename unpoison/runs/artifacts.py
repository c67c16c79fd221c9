"""The state of each cell of a run, read from the files alone, and the folder of its artifacts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from unpoison.identity.contents import contents
from unpoison.levels import REFERENCES
from unpoison.rules import OF_TABLES
from unpoison.runs.current import Current
from unpoison.study.plan import Plan
from unpoison.study.scans import Scan
from unpoison.study.studies import Cell
from unpoison.text import printable

ANSWERS, WEIGHTS = "answers.npy", "model.safetensors"
State = Literal["done", "stale", "failed", "begun", "left"]
STATES: tuple[State, ...] = ("done", "stale", "failed", "begun", "left")
REASONS = {
    "stale": "made by other settings, code or files than today's",
    "failed": "a job failed",
    "begun": "a job is running, or ended with its Snakemake",
    "left": "not run yet",
}
HELD_OUT = "held_out"  # the folder of the logs of held-out checks
MEASURED = "measure.log"  # of the job that follows all cells of a base model
TAIL = 16_384  # bytes of a log's end that are searched for an error


@dataclass(frozen=True)
class Standing:
    """The state of a cell; for a failed one also the log with the reason, and the line of the error."""

    state: State
    log: Path | None = None
    error: str = ""


def folder_of(cell: Cell) -> str:
    """Return the folder of a cell's artifacts, below the results folder."""
    if cell.method in REFERENCES:
        return f"{_trained(cell)}/{REFERENCES[cell.method]}"
    return f"{_trained(cell)}/{cell.deletion or 'repaired'}/{cell.method}"


def after_probe(name: str) -> str:
    """Return the name of the file with a model's answers after a probe."""
    return f"after_{name}.npy"


def answers_of(cell: Cell, results: Path) -> Path:
    """Return the last file that is made for a cell: the answers of its model."""
    return results / folder_of(cell) / ANSWERS


def standings(plan: Plan) -> dict[Cell, Standing]:
    """Return the state of every cell of the plan.

    done: its answers exist; stale: its answers exist, but of other settings, code or files than the config's; failed: a
    job that it needs ended in an error or by a signal; begun: a job of its own has a log and no result (it is running,
    or ended with its Snakemake); left: none of these.
    """
    results = Path(plan.settings.results_folder)
    failures, current = dict(failed_logs(results / "logs")), Current(plan)
    found = {cell: _standing(plan, cell, results, failures, current) for cell in plan.all_cells}
    contents().keep()
    return found


def failed_logs(logs: Path) -> Iterator[tuple[Path, str]]:
    """Yield every log that ends in an error, with the error's line. A job that runs again begins a new log."""
    for log in sorted(logs.rglob("*.log")):
        error = error_of(log)
        if error:
            yield log, error


def scores_of(scan: Scan, results: Path) -> list[Path]:
    """Return the score files that a scan combines."""
    return [
        results / trained_of(scan, seed) / f"scores/{detector.name}.parquet"
        for seed in scan.seeds
        for detector in scan.detectors
    ]


def trained_of(scan: Scan, seed: int) -> str:
    """Return the folder of one search of a scan, below the results folder."""
    return f"{scan.dataset.name}/seed{seed}/{scan.poison.name}/{scan.training.name}"


def failures_after(plan: Plan) -> Iterator[tuple[Path, str]]:
    """Yield the logs and errors of failed jobs outside the cells: scans, checks, measurements, tables and figures."""
    logs = Path(plan.settings.results_folder) / "logs"
    measured = {_trained(cell) for cell in plan.cells}
    checked = [folder_of(cell) for cell in plan.folds]
    places = (
        *dict.fromkeys(f"{Path(folder).parent}/{HELD_OUT}/train_reference.log" for folder in checked),
        *(f"{folder}/{HELD_OUT}/{log}" for folder in checked for log in _fold_logs(logs / folder)),
        *(f"repairs/{repair}.log" for repair in plan.repairs),
        *dict.fromkeys(log for scan in plan.scans.values() for log in _scan_logs(scan)),
        *(f"{place}/{MEASURED}" for place in sorted(measured)),
        *(f"tables/{job}.log" for job in OF_TABLES),
        *(f"figures/{figure}.log" for figure in plan.all_figures),
        "write_report.log",
    )
    for log in map(logs.joinpath, places):
        if log.is_file() and (error := error_of(log)):
            yield log, error


def _scan_logs(scan: Scan) -> Iterator[str]:
    """Yield the logs of a scan and of the models and scores that it needs."""
    yield f"scans/{scan.name}.log"
    for seed in scan.seeds:
        yield f"{trained_of(scan, seed)}/base/train.log"
        yield from (f"{trained_of(scan, seed)}/scores/{detector.name}.log" for detector in scan.detectors)


def _fold_logs(folder: Path) -> list[str]:
    return sorted(log.name for log in (folder / HELD_OUT).glob("*.log"))


def error_of(log: Path) -> str:
    """Return the line of a job's error, safe to print on a terminal; empty if its log ends without an error."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        lines = [printable(line) for line in file.read().decode(errors="replace").splitlines()]
    traces = [
        place for place, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")
    ]
    if traces:
        after = [line for line in lines[traces[-1] + 1 :] if re.match(r"[\w.]+(:|$)", line)]
        return after[0] if after else "an error without a message"
    said = [line for line in lines if line.startswith("error: ")]
    return said[-1] if said else ""


def _standing(plan: Plan, cell: Cell, results: Path, failures: dict[Path, str], current: Current) -> Standing:
    answers = answers_of(cell, results)
    if answers.is_file() and current.holds(answers):
        return Standing("done")
    logs, folder = results / "logs", folder_of(cell)
    needed, alone = {logs / place for place in _needed(cell)}, {logs / log for log in _alone(plan, cell)}
    for log, error in failures.items():
        if (log.parent in needed and log.name != MEASURED) or log in alone:
            return Standing("failed", log, error)
    if answers.is_file():
        return Standing("stale")
    return Standing("begun" if any((logs / folder).glob("*.log")) else "left")


def _needed(cell: Cell) -> Iterator[str]:
    """Yield the folders of everything that a cell is made from, its own first."""
    place = folder_of(cell)
    while place != ".":
        yield place
        place = str(Path(place).parent)
    yield f"{_trained(cell)}/surrogate"
    if cell.method not in REFERENCES:
        yield f"{_trained(cell)}/base"


def _alone(plan: Plan, cell: Cell) -> Iterator[str]:
    """Yield the logs of jobs that a cell needs and that share their folder with other jobs."""
    yield f"sources/{plan.datasets[cell.dataset].source.name}.log"
    method = plan.methods.get(cell.method)  # None for a reference
    if method is not None and method.tuning is not None:
        yield f"{cell.dataset}/tuned/{cell.poison}/{cell.training}/{method.searched_as}.log"
    detector = plan.deletions[cell.deletion].detector if cell.deletion else None
    if detector:
        yield f"{_trained(cell)}/scores/{detector.name}.log"


def _trained(cell: Cell) -> str:
    return f"{cell.dataset}/seed{cell.seed}/{cell.poison}/{cell.training}"
