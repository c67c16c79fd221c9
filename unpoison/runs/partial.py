"""Tables, figures and report of the cells that are done, without running a job: `unpoison partial`."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from unpoison.columns import TABLES
from unpoison.errors import UserError
from unpoison.identity.specs import Specs
from unpoison.jobs.measure import CellFiles, metrics_of
from unpoison.results import collect
from unpoison.rows import read_rows
from unpoison.runs.artifacts import REASONS, Standing, after_probe, answers_of, standings
from unpoison.runs.publishing import publish
from unpoison.study.plan import Plan
from unpoison.study.sections import PARTIAL
from unpoison.study.studies import Cell
from unpoison.tables import make_tables
from unpoison.tracing import trace


def write_partial(plan: Plan) -> None:
    """Write everything below <results>/partial, replacing what is there: no job reads it."""
    results = Path(plan.settings.results_folder)
    everything = standings(plan)
    found = {cell: everything[cell] for cell in plan.cells}
    done = [cell for cell, standing in found.items() if standing.state == "done"]
    if not done:
        raise UserError(f"none of the {len(found)} cells in {results} is done; `unpoison status` tells why")
    folder = results / PARTIAL
    if folder.is_symlink():  # its target is not part of the run
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    publish(plan, tables_of(plan, done, missing_cells(found)), folder)


def missing_cells(found: dict[Cell, Standing]) -> pd.DataFrame:
    """Return one row for each cell that is not done: its names, state and reason, and the log with more."""
    lines = [
        {
            **vars(cell),
            "state": standing.state,
            "reason": standing.error or REASONS[standing.state],
            "log": str(standing.log) if standing.log else None,
        }
        for cell, standing in found.items()
        if standing.state != "done"
    ]
    columns = TABLES["missing"].columns
    return pd.DataFrame(lines, columns=list(columns)).astype(
        {name: column.dtype for name, column in columns.items()}
    )


def tables_of(plan: Plan, done: list[Cell], missing: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the tables of a whole run for these cells alone, and the table of missing cells."""
    folder = Path(plan.settings.results_folder)
    spec = Specs(plan).collect_results(SimpleNamespace())
    told = (spec[name] for name in ("studies", "varied", "detectors", "attacks"))
    results = collect(metrics_by_model(plan, done), *told)
    return {
        "missing": missing,
        "results": results,
        **make_tables(results, plan.asked_of_tables),
        "provenance": trace(answers_of(cell, folder).with_name("run.json") for cell in done),
    }


def metrics_by_model(plan: Plan, done: list[Cell]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the metrics of each base model's finished cells, and its identity, as the job `measure` writes them."""
    results, wanted = Path(plan.settings.results_folder), set(done)
    for (dataset, poison, training, seed), every in plan.cells_by_model.items():
        cells = [cell for cell in every if cell in wanted]
        if not cells:
            continue
        rows = read_rows(results / dataset / f"seed{seed}" / poison / "rows.parquet")
        identity = {"dataset": dataset, "poison": poison, "training": training, "seed": seed}
        yield metrics_of(rows, [files_of(plan, cell) for cell in cells]), identity


def files_of(plan: Plan, cell: Cell) -> CellFiles:
    """Return the files of a cell."""
    answers = answers_of(cell, Path(plan.settings.results_folder))
    deletion = answers.parents[1] / "deletion.parquet" if cell.deletion else None
    probed = {name: answers.with_name(after_probe(name)) for name in plan.probes}
    run, check = answers.with_name("run.json"), answers.with_name("verified.json")
    verified = check if cell in plan.folds and check.is_file() else None
    served = plan.served.get(cell)
    return CellFiles(cell.deletion, cell.method, answers, run, deletion, probed, verified, served)
