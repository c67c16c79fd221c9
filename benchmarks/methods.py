"""Seconds of each method of a config, measured alone: `make bench-methods CONFIG=...` on an idle machine.

    python -m benchmarks.methods CONFIG ... [KEY=VALUE ...]

The workflow makes one poisoned model and the deletion set of the largest recall of the config's first study. Then the
methods run one after another in this process, with the config's number of threads, in three rounds. Tunable options
have their defaults. The table, benchmarks/methods.csv, has the median and the extremes of the rounds, the load of the
machine before the rounds, and the processor. The load of an idle machine is near 0.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import pandas as pd

from unpoison.command.running import run_workflow
from unpoison.contracts.deletion import NO_DELETION
from unpoison.contracts.request import Request
from unpoison.deletion import read_deletion
from unpoison.errors import UserError
from unpoison.identity.specs import Specs
from unpoison.jobs.job import Job
from unpoison.levels import REFERENCES
from unpoison.machine import processor
from unpoison.runs.read import plan_of
from unpoison.steps.repairing import repair_model, request_of
from unpoison.study.plan import Plan
from unpoison.study.studies import Cell
from unpoison.weights import load_model

TABLE = Path(__file__).with_name("methods.csv")
ROUNDS = 3
IDLE = 0.5  # largest load of an idle machine
Todo = Mapping[str, tuple[Request, str, Mapping[str, Any]]]  # by the method's name: plug-in and options


def main() -> None:
    """Make the model, measure the methods, write and print the table."""
    words = sys.argv[1:]
    plan = plan_of(words)
    cells = cells_of(plan)
    files = files_of(plan, next((cell for cell in cells if cell.deletion), cells[0]))
    if not run_workflow(words, list(files.values())):
        sys.exit(1)
    load = os.getloadavg()[0]
    if load > IDLE:
        print(f"warning: the load of the machine is {load:.1f}; an idle machine is below {IDLE}")
    todo = {cell.method: to_do(plan, cell, files) for cell in cells}
    table = measure(todo, ROUNDS).assign(load=round(load, 2), processor=processor())
    table.to_csv(TABLE, index=False)
    print(table.to_string(index=False))


def cells_of(plan: Plan) -> list[Cell]:
    """Return the cells to measure: the repairs of one model, by one deletion set or by trusted rows.

    Raises:
        UserError: for a config without a study, and a study without a repair.
    """
    if not plan.studies:
        raise UserError("studies: found none, allowed: one or more; the first is measured")
    study = next(iter(plan.studies.values()))
    cells = [cell for cell in study.cells() if cell.method not in REFERENCES]
    if not cells:
        raise UserError(f"studies.{study.name}: found no method except the references, allowed: one or more")
    recall_of = {deletion.name: deletion.asked.get("recall", 0.0) for deletion in study.deletions}
    chosen = max((cell.deletion for cell in cells if cell.deletion), key=recall_of.__getitem__, default=None)
    first = cells[0]
    return [
        cell
        for cell in cells
        if (cell.dataset, cell.poison, cell.training, cell.seed)
        == (first.dataset, first.poison, first.training, first.seed)
        and cell.deletion in (chosen, None)
    ]


def files_of(plan: Plan, cell: Cell) -> dict[str, str]:
    """Return the input files of a cell's repair, as the job names them."""
    results = plan.settings.results_folder
    poisoned = f"{results}/{cell.dataset}/seed{cell.seed}/{cell.poison}"
    trained = f"{poisoned}/{cell.training}"
    files = {
        "images": f"{results}/sources/{plan.datasets[cell.dataset].source.name}/images.npy",
        "rows": f"{poisoned}/rows.parquet",
        "model": f"{trained}/base/model.safetensors",
    }
    if plan.poisons[cell.poison].needs_surrogate:
        files["perturbed"] = f"{trained}/surrogate/images.npy"
    return files | ({"deletion": f"{trained}/{cell.deletion}/deletion.parquet"} if cell.deletion else {})


def to_do(plan: Plan, cell: Cell, files: Mapping[str, str]) -> tuple[Request, str, Mapping[str, Any]]:
    """Return the request of a cell with its method and all options, as in the cell's job."""
    spec = Specs(plan).unlearn(SimpleNamespace(**vars(cell)))
    given = _Named(files)
    job = Job(SimpleNamespace(input=given, params=_Named(spec=spec), threads=plan.settings.threads))
    flagged = read_deletion(files["deletion"]).rows if cell.deletion else NO_DELETION.rows
    request = request_of(job.data, load_model(files["model"]), flagged, job.recipe, job.setting())
    method = plan.methods[cell.method]
    return request, method.kind, method.options


def measure(todo: Todo, rounds: int) -> pd.DataFrame:
    """Return a line for each method: its weighted passes, and the median and extremes of its seconds.

    A round runs every method once, so that a drift of the machine's speed affects all methods.
    """
    seconds: dict[str, list[float]] = {name: [] for name in todo}
    passes = {}
    for _ in range(rounds):
        for name, (request, kind, options) in todo.items():
            _, cost = repair_model(request, kind, options)
            seconds[name].append(cost.seconds)
            passes[name] = cost.weighted_passes
    lines = [(name, passes[name], median(each), min(each), max(each)) for name, each in seconds.items()]
    columns = ["method", "weighted_passes", "seconds", "seconds_lowest", "seconds_highest"]
    return pd.DataFrame(lines, columns=columns).round(3).sort_values("seconds", ignore_index=True)


class _Named(dict[str, Any]):
    """Inputs or params as Snakemake passes them to a job: keys are attributes too."""

    __getattr__ = dict.__getitem__


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
