"""One study from blocks of its seeds that ran at different times or on different machines: `unpoison pool`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from unpoison.columns import COLUMNS, TABLES
from unpoison.errors import UserError
from unpoison.files import read_table
from unpoison.identity.specs import Specs
from unpoison.levels import BASE_MODEL, MODEL
from unpoison.provenance import options_digest
from unpoison.results import in_order, tuples_of
from unpoison.runs.publishing import publish
from unpoison.study.plan import Plan
from unpoison.study.studies import Cell
from unpoison.tables import make_tables
from unpoison.tracing import SHORT

# The steps whose options a result depends on. Their options do not depend on the machine.
STEPS = ("poison_dataset", "train_base", "train_oracle", "select_deletion", "unlearn")
FILES = ("results.parquet", "provenance.parquet")
CELL = [field.name for field in fields(Cell)]


@dataclass(frozen=True)
class Block:
    """A part of some studies that was run: its tables of results (`results`) and of provenance (`records`)."""

    name: str
    results: pd.DataFrame
    records: pd.DataFrame


def pool(plan: Plan, folder: Path, out: Path) -> None:
    """Write the tables, figures and report of the studies of a config from blocks of their seeds.

    Args:
        folder: holds a folder for each block, with the tables `results.parquet` and `provenance.parquet`.
        out: for `tables/`, `figures/` and `report.html`.

    Raises:
        UserError: where there is no block, a seed of a study is in two, or a block is of another config.
    """
    blocks = read_blocks(folder)
    check_apart(blocks)
    for block in blocks:
        check_planned(plan, block)
        check_options(plan, block)
    results = joined(plan, blocks)
    provenance = pd.concat([block.records.assign(block=block.name) for block in blocks], ignore_index=True)
    tables = {
        "missing": missing_cells(plan, results),
        "blocks": table_of(blocks),
        "results": results,
        **make_tables(results, plan.asked_of_tables),
        "provenance": provenance,
    }
    for line in tables["blocks"].itertuples():
        print(f"{line.study}: seeds {line.seeds} from {line.block}")
    publish(plan, tables, out)


def read_blocks(folder: Path) -> list[Block]:
    """Return the blocks of a folder, by their names.

    Raises:
        UserError: where there is none, or one lacks a table or a column.
    """
    places = sorted({path.parent for name in FILES for path in folder.glob(f"*/{name}")})
    if not places:
        raise UserError(
            f"{folder}: found no block, allowed: folders with {' and '.join(FILES)} of a results folder's tables/"
        )
    blocks = [Block(place.name, *(read_table(place / name) for name in FILES)) for place in places]
    for block in blocks:
        check_columns(block)
    return blocks


def check_columns(block: Block) -> None:
    """Refuse a block with a table that lacks a column."""
    for table, name, wanted in (
        (block.results, FILES[0], COLUMNS),
        (block.records, FILES[1], TABLES["provenance"].columns),
    ):
        lacking = [column for column in wanted if column not in table]
        if lacking:
            raise UserError(
                f"block {block.name}: {name} lacks the column {lacking[0]}; it is of another version of unpoison"
            )


def check_apart(blocks: Sequence[Block]) -> None:
    """Refuse a seed of a study that two blocks hold."""
    places: dict[tuple[str, int], str] = {}
    for block in blocks:
        for study, seed in _seeds(block):
            other = places.setdefault((study, seed), block.name)
            if other != block.name:
                raise UserError(
                    f"seed {seed} of the study {study}: found in the blocks {other} and {block.name}, "
                    "allowed: each seed of a study in one block"
                )


def check_planned(plan: Plan, block: Block) -> None:
    """Refuse results that the config does not ask for, and results without a provenance record in the block."""
    planned = {
        name: {tuple(vars(cell).values()) for cell in study.cells()} for name, study in plan.studies.items()
    }
    order = ["study", *CELL]
    found = block.results[order].drop_duplicates()
    for line in tuples_of(found, order):
        if line[1:] not in planned.get(line[0], ()):
            raise UserError(
                f"block {block.name}: found {_named(zip(order, line, strict=True))}, "
                "allowed: what the config asks for"
            )
    traced = set(block.records[list(BASE_MODEL)].itertuples(index=False, name=None))
    for model in found[list(BASE_MODEL)].itertuples(index=False, name=None):
        if model not in traced:
            raise UserError(
                f"block {block.name}: provenance.parquet lacks the records of "
                f"{_named(zip(BASE_MODEL, model, strict=True))}; take both tables of one run"
            )


def check_options(plan: Plan, block: Block) -> None:
    """Refuse a block whose jobs had other options than the config gives them."""
    specs, known = Specs(plan), dict[tuple[Any, ...], str]()
    levels = [level for level in MODEL if level != "seed"]
    records = block.records[block.records["step"].isin(STEPS)]
    for record in records.itertuples():
        key = (record.step, *(getattr(record, level) for level in levels))
        if key not in known:
            wildcards = SimpleNamespace(**{level: getattr(record, level) for level in MODEL})
            known[key] = options_digest(getattr(specs, str(record.step))(wildcards))
        if known[key] != record.options:
            named = _named((level, getattr(record, level)) for level in levels)
            raise UserError(
                f"block {block.name}: {record.step} of {named} had other options than the config gives it; "
                f"allowed: the config that the block was run with, at commit {str(record.commit)[:SHORT]}"
            )


def joined(plan: Plan, blocks: Sequence[Block]) -> pd.DataFrame:
    """Return the results of all blocks as one table, as a run of all seeds writes it."""
    keys = sorted({key for study in plan.studies.values() for key in study.vary})
    whole = pd.concat([block.results.reindex(columns=[*COLUMNS, *keys]) for block in blocks])
    whole[keys] = whole[keys].convert_dtypes()
    return in_order(whole.astype({name: column.dtype for name, column in COLUMNS.items()}))


def missing_cells(plan: Plan, results: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each cell of the config that no block holds."""
    found = set(tuples_of(results[CELL].drop_duplicates(), CELL))
    lines = [vars(cell) for cell in plan.cells if tuple(vars(cell).values()) not in found]
    columns = TABLES["missing"].columns
    return (
        pd.DataFrame(lines, columns=list(columns))
        .assign(state="left", reason="in no block")
        .astype({name: column.dtype for name, column in columns.items()})
    )


def table_of(blocks: Sequence[Block]) -> pd.DataFrame:
    """Return the table of blocks: the seeds of each study in each block, and where and when they were run."""
    lines = []
    for block in blocks:
        for study, rows in block.results.groupby("study", sort=True):
            models = rows[list(MODEL)].drop_duplicates()
            records = models.merge(block.records[block.records["step"].isin(STEPS)], on=list(MODEL))
            lines.append(
                {
                    "block": block.name,
                    "study": study,
                    "seeds": in_ranges(sorted(set(models["seed"]))),
                    "models": len(models),
                    **{
                        name: ", ".join(sorted(set(records[name].dropna())))
                        for name in ("commit", "processor")
                    },
                    "first": records["finished"].min(),
                    "last": records["finished"].max(),
                    **{name: records[name].sum() for name in ("seconds", "image_passes")},
                }
            )
    columns = TABLES["blocks"].columns
    return pd.DataFrame(lines).astype({name: column.dtype for name, column in columns.items()})


def in_ranges(seeds: Sequence[int]) -> str:
    """Return sorted seeds in short: `0-4, 7`."""
    places = [
        0,
        *(place + 1 for place, (one, two) in enumerate(pairwise(seeds)) if two != one + 1),
        len(seeds),
    ]
    runs = [seeds[first:last] for first, last in pairwise(places)]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _seeds(block: Block) -> Iterator[tuple[str, int]]:
    return iter(block.results[["study", "seed"]].drop_duplicates().itertuples(index=False, name=None))


def _named(parts: Any) -> str:
    return ", ".join(f"{level} {value}" for level, value in parts if not pd.isna(value))
