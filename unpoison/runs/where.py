"""The lines with the paths of a run's results."""

from collections.abc import Iterator
from pathlib import Path

from unpoison.files import read_table
from unpoison.study.plan import Plan
from unpoison.tracing import doubts


def where(plan: Plan) -> Iterator[str]:
    """Yield the folders of a finished run, provenance warnings about its results, and the pages."""
    folder = Path(plan.settings.results_folder)
    if plan.studies:
        records = read_table(folder / "tables/provenance.parquet")
        yield f"Done. Tables: {folder}/tables/  Figures: {folder}/figures/"
        yield from (f"Note: {doubt}" for doubt in doubts(records))
        yield f"Open the report in a browser: {folder}/report.html"
    for name in plan.scans:
        yield f"Scan {name}: {folder}/scans/{name}/report.html"
    for name in plan.repairs:
        yield f"Repair {name}: {folder}/repairs/{name}/report.html"
