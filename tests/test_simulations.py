"""The published simulations match the script, and the page's answers match its tables."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from docs import simulated_shares, simulated_thresholds
from docs.simulations import FOLDER, PAGES, TABLES, filled

GRID, _, BISECTION = simulated_thresholds.DESIGNS


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / "tables" / f"{name}.csv", na_values=["unbounded"], keep_default_na=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tables_of_the_pages_are_those_of_the_files(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<!-- simulated: " in text
    assert filled(text) == text, "run `python -m docs.simulations`"


def test_every_table_is_published() -> None:
    assert {path.stem for path in (FOLDER / "tables").glob("*.csv")} == set(TABLES)
    shown = [name for page in PAGES for name in re.findall("<!-- simulated: (.+?) -->", page.read_text())]
    assert sorted(shown) == sorted(TABLES)


ROWS = {
    "means": lambda: simulated_shares.student(5),
    "shares": lambda: simulated_shares.share("Jeffreys", 5),
    "stopping": lambda: simulated_shares.stop(simulated_shares.OURS, simulated_shares.SETTLED),
    "paired_shares": lambda: simulated_shares.paired_share(5),
    "r50_errors": lambda: simulated_thresholds.error(GRID, "normal, 0.8"),
    "r50_intervals": lambda: simulated_thresholds.coverage(GRID, 3, "R50"),
    "r90_intervals": lambda: simulated_thresholds.coverage(GRID, 5, "R90"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_computed_again_is_the_published_one(name: str) -> None:
    row = ROWS[name]()
    words = {key: value for key, value in row.items() if isinstance(value, str | int)}
    published = table(name)
    for key, value in words.items():
        published = published[published[key].astype(str) == str(value)]
    assert len(published) == 1
    # Where an interval ends on the true value, rounding on another processor may change its coverage.
    for key in set(row) - set(words):
        value = published.iloc[0][key]
        assert (float("inf") if pd.isna(value) else value) == pytest.approx(row[key], abs=0.004), key


def range_of(values: pd.Series, percent: bool = True) -> str:
    low, high = values.min(), values.max()
    return f"{100 * low:.1f} to {100 * high:.1f} %" if percent else f"{low:.3f} to {high:.3f}"


def answers() -> Iterator[str]:
    """Yield the sentences of the answers page, with the numbers of the tables."""
    means, shares, stopping = table("means"), table("shares"), table("stopping")
    of_t = means[means["interval"] == "Student's t"].astype({"n": int}).set_index("n")["coverage"]
    told = [f"{100 * of_t[n]:.1f} % of" for n in (3, 20)]
    yield f"held the mean in {told[0]} the studies of three seeds, and in {told[1]} those of twenty"
    assert shares.loc[shares["interval"] == "Clopper-Pearson", "lowest"].min() >= 0.95
    assert shares.loc[shares["interval"] == "Jeffreys", "mean"].min() >= 0.95
    at_our_stop = stopping[stopping["stops at"] == simulated_shares.OURS].set_index("reported")[
        "lowest coverage"
    ]
    assert (at_our_stop >= 0.95).tolist() == [True, False, False]
    errors = table("r50_errors").set_index("design")["standard error"]
    bisected, even, uneven = (
        range_of(errors[name], percent=False) for name in reversed(simulated_thresholds.DESIGNS)
    )
    yield f"a standard error of {bisected} for 60 trainings"
    yield f"An even grid has {even} for 100, an uneven one {uneven}"
    r50, r90 = (table(f"{name}_intervals") for name in ("r50", "r90"))
    r50 = r50[r50["n"] >= 5]
    is_bisected = r50["design"] == BISECTION
    ours = "coverage: Student's limit"
    yield f"held R50 in {range_of(r50.loc[is_bisected, ours])} of the studies of 5 to 20 seeds"
    yield f"by grids in {range_of(r50.loc[~is_bisected, ours])}; a bootstrap in {range_of(r50['bootstrap'])}"
    of_20, of_10 = (range_of(r90.loc[r90["n"] == n, ours]) for n in (20, 10))
    yield f"{of_20} with 20 seeds, {of_10} with ten"
    skewed = table("other_laws").set_index(["thresholds", "of"])[ours][("skewed", "R90")]
    yield f"skewed to high recalls: {100 * skewed:.1f} %"


@pytest.mark.parametrize("sentence", [*answers()])
def test_the_answers_are_counted(sentence: str) -> None:
    page = " ".join(PAGES[0].read_text(encoding="utf-8").split())
    assert sentence in page
