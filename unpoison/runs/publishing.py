"""Tables, figures and report of a plan, written without Snakemake from the tables of its cells."""

from pathlib import Path

import pandas as pd

from unpoison.drawing.given import tables_for
from unpoison.drawing.style import note_first, save
from unpoison.errors import UserError
from unpoison.files import write_table, written_whole
from unpoison.plots import PLOTS, tables_needed
from unpoison.report.page import Figure, Tables, render
from unpoison.report.words import gaps
from unpoison.study.describe import caption_of, describe_study
from unpoison.study.figures import families_of
from unpoison.study.plan import Plan
from unpoison.study.studies import note_of


def publish(plan: Plan, tables: dict[str, pd.DataFrame], folder: Path) -> None:
    """Write tables, figures and report into a folder, and print their paths and how much is missing.

    Args:
        tables: those of a whole run, and `missing`: a row for each missing cell.
    """
    for part in ("tables", "figures"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        for ending in ("parquet", "csv"):
            write_table(folder / f"tables/{name}.{ending}", table)
    note = gaps(tables["missing"], len(plan.cells))
    figures = draw_figures(plan, tables, folder, note)
    write_report(plan, tables, figures, folder)
    print(note or f"All {len(plan.cells)} cells are there.")
    print(f"Tables: {folder}/tables/  Figures: {folder}/figures/\nReport: {folder}/report.html")


def draw_figures(plan: Plan, tables: dict[str, pd.DataFrame], folder: Path, note: str) -> list[Figure]:
    """Return the figures drawn from tables, each with a line that says how much of it is missing."""
    figures = []
    for name, asked in sorted(plan.figures.items()):
        shown = tables_for(
            (tables[table] for table in tables_needed(asked.kind)), asked.studies, families_of(plan.methods)
        )
        if _is_over_deletions(asked.kind) and all(table["deletion"].isna().all() for table in shown):
            print(f"figure {name} is not drawn: no cell with a deletion set is done")
            continue
        try:
            figure = PLOTS[asked.kind](*shown, **asked.options)
        except UserError as error:
            print(f"figure {name} is not drawn: {error}")
            continue
        note_first(figure, note)
        pdf, png = (folder / f"figures/{name}.{ending}" for ending in ("pdf", "png"))
        save(figure, pdf, png, note_of(*(plan.studies[study] for study in asked.studies)))
        figures.append(Figure(name, caption_of(plan, name), png.read_bytes()))
    return figures


def _is_over_deletions(kind: str) -> bool:
    """Return whether the studies of a figure must vary a key of their deletion sets."""
    return any(key.startswith("deletion.") for keys in PLOTS.constant(kind, "NEEDS") for key in keys)


def write_report(plan: Plan, tables: dict[str, pd.DataFrame], figures: list[Figure], folder: Path) -> None:
    """Write the page of a whole run, which names the missing cells first."""
    page = render(
        Tables(tables, (folder / "tables/results.csv").read_bytes()),
        figures,
        {name: describe_study(plan, name) for name in plan.studies},
        str(folder),
    )
    with written_whole(folder / "report.html") as temporary:
        temporary.write_text(page, encoding="utf-8")
