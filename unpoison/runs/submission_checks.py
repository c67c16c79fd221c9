"""Checks that a submission can be compared with a published run: cells, seeds, values, provenance, options."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from unpoison.errors import UserError
from unpoison.files import read_table
from unpoison.levels import MODEL, REFERENCES
from unpoison.results import tuples_of
from unpoison.runs.pooling import Block, check_options, in_ranges
from unpoison.runs.submission import RECORDS, RESULTS, TOLD, Submission
from unpoison.study.plan import Plan

REPAIRS = ("unlearn", "repair")
# Steps of the study, not of the method.
COMMON = ("poison_dataset", "train_base", "train_oracle", "select_deletion")
MEASURED = ("clean_accuracy", "image_passes")
CELL = ["dataset", "poison", "training", "deletion"]


def check_submission(made: Submission, published: Path, plan: Callable[[], Plan]) -> None:
    """Refuse a submission that cannot be compared with a published run.

    Args:
        published: the folder of the run, with `tables/results.parquet` and `tables/provenance.parquet`.
        plan: returns the plan of the published config; called if the published provenance has no `options`.

    Raises:
        UserError: for the first thing that differs.
    """
    before = read_table(published / "tables" / RESULTS)
    method = made.told["method"]
    found = set(made.results["method"])
    if found != {method, *REFERENCES}:
        raise UserError(
            f"{made.told['name']}: found the methods {', '.join(sorted(found))}, "
            f"allowed: {method} with {' and '.join(REFERENCES)}"
        )
    if set(made.results["study"]) != set(made.told["studies"]):
        raise UserError(f"{made.told['name']}: the studies of {TOLD} are not those of {RESULTS}")
    for study, rows in made.results.groupby("study"):
        _check_cells(f"{made.told['name']}, study {study}", rows, before[before["study"] == study], method)
    _check_values(made)
    _check_records(made)
    _check_common_options(made, read_table(published / "tables" / RECORDS), plan)


def _check_cells(where: str, rows: pd.DataFrame, before: pd.DataFrame, method: str) -> None:
    """Refuse other cells and seeds than the published ones, so that no seed is selected by its result."""
    if before.empty:
        raise UserError(f"{where}: found no such study in the published run")
    if method in set(before["method"]):
        raise UserError(f"{where}: the method {method} is published already; allowed: another name")
    own = rows[rows["method"] == method]
    is_given = own["deletion"].notna().any()
    wanted = before[before["deletion"].notna() == is_given]
    for what, found, allowed in (
        (method, _places(own), _places(wanted)),
        *(
            (name, _places(rows[rows["method"] == name]), _places(before[before["method"] == name]))
            for name in REFERENCES
        ),
    ):
        for place in sorted(allowed | found, key=str):
            if place not in found or place not in allowed:
                cells = [
                    in_ranges(sorted({seed for *cell, seed in set_ if cell == [*place[:-1]]})) or "none"
                    for set_ in (found, allowed)
                ]
                named = ", ".join(filter(None, place[:-1]))
                raise UserError(
                    f"{where}: {what} of {named}: found the seeds {cells[0]}, allowed: {cells[1]}"
                )


def _places(rows: pd.DataFrame) -> set[tuple[Any, ...]]:
    """Return the cells of some results with their seeds."""
    cells = rows[[*CELL, "seed"]].drop_duplicates().astype(object)
    return set(cells.where(cells.notna(), "").itertuples(index=False, name=None))


def _check_values(made: Submission) -> None:
    """Refuse shares outside 0 to 1, and models that lack what the leaderboard shows."""
    shares = made.results.loc[made.results["unit"] == "share", "value"].dropna()
    if not shares.between(0, 1).all():
        wrong = shares[~shares.between(0, 1)].iloc[0]
        raise UserError(f"{made.told['name']}: found a share of {wrong}, allowed: 0 to 1")
    if made.results.duplicated(["study", *MODEL, "metric", "class_name"]).any():
        raise UserError(f"{made.told['name']}: found a measurement twice, allowed: each once")
    whole = made.results[made.results["class_name"].isna() & made.results["value"].notna()]
    for metric in MEASURED:
        there = _places(whole[(whole["metric"] == metric) & (whole["method"] == made.told["method"])])
        if there != _places(made.results[made.results["method"] == made.told["method"]]):
            raise UserError(
                f"{made.told['name']}: found models without {metric}, allowed: one value for each"
            )


def _check_records(made: Submission) -> None:
    """Refuse models without a record, and records that tell of changed code or changed inputs."""
    name = made.told["name"]
    models = made.results[list(MODEL)].drop_duplicates()
    steps = {"do_nothing": ("train_base",), "oracle": ("train_oracle",), made.told["method"]: REPAIRS}
    traced = set(tuples_of(made.records, ["step", *MODEL]))
    for model in tuples_of(models, MODEL):
        if not any((step, *model) in traced for step in steps[str(model[-1])]):
            named = ", ".join(str(part) for part in model if part is not None)
            raise UserError(f"{name}: {RECORDS} lacks the record of {named}; take both tables of one run")
    if not made.records["is_current"].all():
        raise UserError(
            f"{name}: found models made from files that were remade later; allowed: a finished run"
        )
    if made.records["dirty"].fillna(False).any():
        raise UserError(f"{name}: found uncommitted changes of unpoison/ or workflow/, allowed: none")
    repairs = made.records[made.records["step"].isin(REPAIRS)]
    if (repairs.groupby(CELL, dropna=False)["options"].nunique() > 1).any():
        raise UserError(
            f"{name}: found seeds of {made.told['method']} with different options, allowed: equal ones"
        )


def _check_common_options(made: Submission, before: pd.DataFrame, plan: Callable[[], Plan]) -> None:
    """Refuse data, training or deletion sets with other options than the published ones."""
    records = made.records[made.records["step"].isin(COMMON)]
    if "options" not in before:
        check_options(plan(), Block(made.told["name"], made.results, records))
        return
    known = dict(zip(_keys(before), before["options"], strict=True))
    for key, options in zip(_keys(records), records["options"], strict=True):
        if known.get(key) != options:
            named = " of ".join([key[0], ", ".join(filter(None, key[1:]))])
            raise UserError(f"{made.told['name']}: {named} had other options than in the published run")


def _keys(records: pd.DataFrame) -> list[tuple[str, ...]]:
    lines = records[["step", *CELL]].astype(object)
    return list(lines.where(lines.notna(), "").itertuples(index=False, name=None))
