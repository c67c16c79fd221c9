"""Draw the figures of docs/results from the tables there: `python docs/draw_results.py`, in the project's folder."""

from pathlib import Path

import pandas as pd

from unpoison.drawing.given import tables_for
from unpoison.drawing.looks import family_of
from unpoison.drawing.style import save
from unpoison.levels import REFERENCES
from unpoison.plots import PLOTS, tables_needed
from unpoison.tables import make_tables

RESULTS = Path(__file__).parent / "results"
PLANE = {"plane": (["plane", "detectors"], {})}
FIGURES = {
    "methods_cifar10": {
        "dose_response": (["methods"], {}),
        "heatmap": (["methods"], {}),
        "cost_quality": (["methods"], {"recall": 0.9}),
    },
    "plane": PLANE,
    "plane_catdog": PLANE,
    "plane_cifar10": PLANE,
}


def tables_of(run: str) -> dict[str, pd.DataFrame]:
    """Return the tables of a run, made from its results."""
    results = pd.read_parquet(RESULTS / run / "tables" / "results.parquet")
    return {"results": results, **make_tables(results, {})}


def main() -> None:
    """Draw every figure."""
    for run, figures in FIGURES.items():
        tables = tables_of(run)
        names = set(tables["results"]["method"].unique()) - set(REFERENCES)
        families = {name: family_of(name) for name in names}
        for kind, (studies, options) in figures.items():
            given = tables_for((tables[name] for name in tables_needed(kind)), studies, families)
            place = RESULTS / run / "figures" / kind
            save(PLOTS[kind](*given, **options), place.with_suffix(".pdf"), place.with_suffix(".png"))
            print(place)


if __name__ == "__main__":
    main()
