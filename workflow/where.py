"""Say where a run left its figures and tables, and what is to be known of their origin."""

import sys
from pathlib import Path

import yaml

from unpoison.files import read_table
from unpoison.tracing import doubts

folder = Path(yaml.safe_load(Path(sys.argv[1]).read_text())["results_folder"])
print(f"\nDone. Figures: {folder}/figures/  Tables: {folder}/tables/")
for path in sorted([*folder.glob("figures/*.png"), *folder.glob("tables/*.parquet")]):
    print(f"  {path}")
for doubt in doubts(read_table(folder / "tables/provenance.parquet")):
    print(f"Note: {doubt}")
