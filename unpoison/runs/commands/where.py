"""Say where a run left its report, and what is to be known of the origin of its results."""

from pathlib import Path

from unpoison.files import read_table
from unpoison.runs.read import plan_of_arguments
from unpoison.tracing import doubts

folder = Path(plan_of_arguments().config["results_folder"])
records = read_table(folder / "tables/provenance.parquet")
print(f"\nDone. Tables: {folder}/tables/  Figures: {folder}/figures/")
for doubt in doubts(records):
    print(f"Note: {doubt}")
print(f"Open the report in a browser: {folder}/report.html")
