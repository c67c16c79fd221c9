"""Say where a run left its report, and what is to be known of the origin of its results."""

import sys
from pathlib import Path

import yaml

from unpoison.files import read_table
from unpoison.tracing import doubts

folder = Path(yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))["results_folder"])
print(f"\nDone. Tables: {folder}/tables/  Figures: {folder}/figures/")
for doubt in doubts(read_table(folder / "tables/provenance.parquet")):
    print(f"Note: {doubt}")
print(f"Open the report in a browser: {folder}/report.html")
