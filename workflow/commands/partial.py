"""Tables, figures and report of the cells that are done, without running a job: `make partial CONFIG=...`."""

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import pandas as pd

from planning.artifacts import REASONS, Standing, metrics_of, standings
from planning.describe import caption_of, describe_study
from planning.found import note_of_figure
from planning.levels import PARTIAL
from planning.plan import Plan
from planning.read import plan_of_arguments
from planning.specs import Specs
from planning.studies import Cell
from unpoison.columns import TABLES
from unpoison.drawing.style import NOTE_SIZE, save
from unpoison.errors import UserError
from unpoison.files import read_columns, write_table, written_whole
from unpoison.plots import PLOTS
from unpoison.report.page import Figure, Tables, render
from unpoison.report.words import gaps
from unpoison.results import collect
from unpoison.tables import make_tables
from unpoison.tracing import trace


def main() -> None:
    """Put everything below <results>/partial, anew each time: nothing there is an input of a job."""
    plan = plan_of_arguments()
    results = Path(plan.config["results_folder"])
    found = standings(plan)
    done = [cell for cell, standing in found.items() if standing.state == "done"]
    if not done:
        raise UserError(f"none of the {len(found)} cells in {results} is done; `make status` tells why")
    folder = results / PARTIAL
    if folder.is_symlink():  # what it leads to is not ours
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("tables", "figures"):
        (folder / part).mkdir(parents=True)
    missing = missing_cells(found)
    tables = tables_of(plan, [metrics_of(cell, results) for cell in done], missing)
    for name, table in tables.items():
        for ending in ("parquet", "csv"):
            write_table(folder / f"tables/{name}.{ending}", table)
    figures = list(draw_figures(plan, tables["summary"], folder, gaps(missing, len(found))))
    write_report(plan, tables, figures, folder)
    print(gaps(missing, len(found)) or f"All {len(found)} cells are there.")
    print(f"Tables: {folder}/tables/  Figures: {folder}/figures/\nReport: {folder}/report.html")


def missing_cells(found: dict[Cell, Standing]) -> pd.DataFrame:
    """One row for each cell that is not done: which it is, its state, why, and the log that tells more."""
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


def tables_of(plan: Plan, metrics: list[Path], missing: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of a whole run, of these cells alone, and the one of those that are missing."""
    spec = Specs(plan).collect_results(SimpleNamespace())
    told = (spec[name] for name in ("studies", "varied", "detectors", "attacks"))
    results = collect(map(read_columns, metrics), *told)
    averaged = [study for studies in plan.averages.values() for study in studies]
    return {
        "missing": missing,
        "results": results,
        **make_tables(results, averaged),
        "provenance": trace(path.with_name("metrics.run.json") for path in metrics),
    }


def draw_figures(plan: Plan, summary: pd.DataFrame, folder: Path, note: str) -> list[Figure]:
    """The figures that are drawn from the summary, each with a line that says how much of it is missing."""
    figures = []
    for name in sorted(plan.config["figures"]):
        kind, options = plan.figure_options(name)
        rows = summary[summary["study"].isin(plan.config["figures"][name]["studies"])]
        try:
            figure = PLOTS[kind](rows, **options)
        except UserError as error:
            print(f"figure {name} is not drawn: {error}")
            continue
        figure.suptitle(note, fontsize=NOTE_SIZE, color="0.35")
        files = (folder / f"figures/{name}.{ending}" for ending in ("pdf", "png"))
        save(figure, *files, note_of_figure(plan, *plan.config["figures"][name]["studies"]))
        png = (folder / f"figures/{name}.png").read_bytes()
        figures.append(Figure(name, caption_of(plan, name), png))
    return figures


def write_report(plan: Plan, tables: dict[str, pd.DataFrame], figures: list[Figure], folder: Path) -> None:
    """The page of a whole run, which names the missing cells first."""
    page = render(
        Tables(tables, (folder / "tables/results.csv").read_bytes()),
        figures,
        {name: describe_study(plan, name) for name in plan.studies},
        str(folder),
    )
    with written_whole(folder / "report.html") as temporary:
        temporary.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
