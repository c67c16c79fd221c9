"""Say where a run left its figures and tables."""

import sys
from pathlib import Path

import yaml

folder = Path(yaml.safe_load(Path(sys.argv[1]).read_text())["results_folder"])
print(f"\nDone. Figures: {folder}/figures/  Tables: {folder}/tables/")
for path in sorted([*folder.glob("figures/*.png"), *folder.glob("tables/*.parquet")]):
    print(f"  {path}")
