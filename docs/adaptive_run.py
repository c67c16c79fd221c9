"""Fill docs/results/adaptive from a run of config/adaptive.yaml: `python docs/adaptive_run.py [RESULTS_FOLDER]`.

With a folder its tables are copied first. Without one the page is filled from the present tables.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from unpoison.drawing.given import tables_for
from unpoison.drawing.looks import family_of
from unpoison.drawing.style import save
from unpoison.files import read_table, write_table
from unpoison.plots import PLOTS
from unpoison.recall_thresholds import threshold
from unpoison.runs.options import filled

PAGE = Path(__file__).parent / "results" / "adaptive" / "README.md"
TABLES = PAGE.parent / "tables"
KEPT = ("results", "outcomes", "healed", "recall_thresholds", "decisions", "provenance")
DESIGNS = {"grid": "grid of five recalls", "bisected": "bisection in three steps"}
RESAMPLES, SEED = 1000, 0


def copy_tables(results: Path) -> None:
    """Copy the tables that the page uses."""
    TABLES.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        write_table(TABLES / f"{name}.parquet", read_table(results / "tables" / f"{name}.parquet"))


def outcomes_of(study: str) -> pd.DataFrame:
    """Return the outcomes of a study, all classes together."""
    table = pd.read_parquet(TABLES / "outcomes.parquet")
    return table[(table["study"] == study) & table["class_name"].isna()]


def standard_error(rows: pd.DataFrame) -> float:
    """Return the standard deviation of R50 over resamples of the seeds; those without an R50 are left out."""
    rng = np.random.default_rng(SEED)
    by_seed = [part for _, part in rows.groupby("seed")]
    found = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(len(by_seed), size=len(by_seed))
        sample = pd.concat([by_seed[place].assign(seed=new) for new, place in enumerate(drawn)])
        r50 = threshold(sample).get("r50")
        if r50 is not None:
            found.append(r50)
    return float(np.std(found, ddof=1))


def in_markdown(head: list[str], lines: list[list[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines))


def designs() -> str:
    """Return the table of the cost and the estimates of each design."""
    table = pd.read_parquet(TABLES / "recall_thresholds.parquet").set_index("study")
    lines = []
    for study, words in DESIGNS.items():
        rows, found = outcomes_of(study), table.loc[study]
        ends = {name: interval(found, name) for name in ("r50", "r90")}
        cells = [words, str(found["n"]), str(len(rows)), str(len(rows) + 2 * rows["seed"].nunique())]
        lines.append([*cells, ends["r50"], f"{standard_error(rows):.3f}", ends["r90"]])
    head = ["design", "seeds", "repaired models", "all trainings", "R50", "standard error of R50", "R90"]
    return in_markdown(head, lines)


def interval(row: pd.Series, name: str) -> str:
    """Return an estimate with the ends of its interval, as printed on the pages."""
    parts = [
        "none" if pd.isna(row[key]) else f"{row[key]:.3f}" for key in (name, f"{name}_low", f"{name}_high")
    ]
    return f"{parts[0]} [{parts[1]}, {parts[2]}]"


def settled() -> str:
    """Return the table of the study that added seeds until settled."""
    table = pd.read_parquet(TABLES / "decisions.parquet")
    row = table[table["study"] == "settled"].iloc[0]
    cells = [f"{row['healed']} of {row['n']}", f"[{row['low']:.3f}, {row['high']:.3f}]"]
    return in_markdown(
        ["recall", "seeds healed", "interval of the rule", "seeds run", "seeds at most"],
        [["0.9", *cells, str(row["models"]), "40"]],
    )


def counts() -> str:
    """Return the share of healed seeds at each recall, measured by the grid and implied by the bisection."""
    table = pd.read_parquet(TABLES / "healed.parquet")
    table = table[table["class_name"].isna() & table["study"].isin(DESIGNS)]
    lines = []
    for recall in sorted(table["deletion.recall"].unique()):
        cells = [f"{recall:g}"]
        for study in DESIGNS:
            row = table[(table["study"] == study) & (table["deletion.recall"] == recall)]
            cells.append(f"{row['healed'].iloc[0]} of {row['n'].iloc[0]}" if len(row) else "not tried")
        run = table[(table["study"] == "bisected") & (table["deletion.recall"] == recall)]
        cells.append(str(run["n"].iloc[0] - run["implied"].iloc[0]) if len(run) else "0")
        lines.append(cells)
    return in_markdown(["recall", "healed, grid", "healed, bisection", "models run by the bisection"], lines)


def draw() -> None:
    """Draw the share of healed seeds over recall, of each design."""
    healed = pd.read_parquet(TABLES / "healed.parquet")
    for study in DESIGNS:
        given = tables_for([healed], [study], {"retrain": family_of("retrain")})
        place = PAGE.parent / "figures" / study
        place.parent.mkdir(exist_ok=True)
        save(PLOTS["dose_response"](*given), place.with_suffix(".pdf"), place.with_suffix(".png"))


MADE = {"designs": designs, "settled": settled, "counts": counts}


def main(arguments: list[str]) -> None:
    """Copy the tables of a run if one is named, draw the figures and fill the page."""
    if arguments:
        copy_tables(Path(arguments[0]))
    draw()
    PAGE.write_text(filled(PAGE.read_text(), "adaptive", lambda name: MADE[name]()))


if __name__ == "__main__":
    main(sys.argv[1:])
