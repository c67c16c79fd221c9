"""Measure all cells of one base model: from their answers, deletion sets and costs, without a network."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from unpoison.answers import read_answers
from unpoison.contracts.deletion import NO_DELETION
from unpoison.contracts.verification import read_verification
from unpoison.costs import Cost
from unpoison.damage import DamagedError
from unpoison.deletion import read_deletion
from unpoison.files import read_json, write_columns
from unpoison.jobs.inputs import check_inputs
from unpoison.jobs.record import write_record
from unpoison.rows import Rows, read_rows
from unpoison.steps.measuring import measure, metrics_table

FREE = "do_nothing"  # its model is the base model, whose training is no cost of a repair


class CellFiles(NamedTuple):
    """The names of a cell, and its files.

    answers, run: of its model; deletion_set: if it has one; probed: answers after each probe; verified: the held-out
    check, if it was made; served: deletion sets that share the search for the method's options, if there was one.
    """

    deletion: str | None
    method: str
    answers: str | Path
    run: str | Path
    deletion_set: str | Path | None
    probed: Mapping[str, str | Path]
    verified: str | Path | None = None
    served: int | None = None


def main(snakemake: Any) -> None:
    """Measure the cells."""
    check_inputs(snakemake)
    given, names, told = snakemake.input, snakemake.wildcards, snakemake.params.spec["cells"]
    deletions = sorted({deletion for deletion, _ in told if deletion})
    set_of = dict(zip(deletions, given.deletions, strict=True))
    probes = snakemake.params.spec["probes"]
    probed = [  # for each cell, its files by probe
        dict(zip(probes, given.probed[place * len(probes) :], strict=False)) for place in range(len(told))
    ]
    served = snakemake.params.spec.get("served", {})
    checked = [tuple(names) for names in snakemake.params.spec.get("verified", ())]
    check_of = dict(zip(checked, given.get("verified") or (), strict=True))
    cells = [
        CellFiles(
            deletion,
            method,
            answers,
            run,
            set_of.get(deletion),
            after,
            check_of.get((deletion, method)),
            served.get(method),
        )
        for (deletion, method), answers, run, after in zip(
            told, given.answers, given.runs, probed, strict=True
        )
    ]
    metrics = metrics_of(read_rows(given.rows), cells)
    place = {level: names[level] for level in ("dataset", "poison", "training")}
    write_columns(snakemake.output.metrics, metrics, notes={**place, "seed": int(names.seed)})
    write_record(snakemake, "measure")
    print(f"{len(metrics['metric'])} measurements of {len(cells)} models")


def metrics_of(rows: Rows, cells: Iterable[CellFiles]) -> dict[str, list[Any]]:
    """Return the metrics of cells as columns: those of `metrics_table`, with the cell's deletion set and method.

    Args:
        rows: the whole table of the poisoned data set.

    Raises:
        DamagedError: for a file that is damaged, or a record without a cost.
    """
    columns: dict[str, list[Any]] = {}
    for cell in cells:
        deletion = read_deletion(cell.deletion_set) if cell.deletion_set else NO_DELETION
        cost = (
            Cost(0.0, 0, 0, weights_changed=0.0) if cell.method == FREE else _cost_of(cell.run, cell.served)
        )
        probed = {name: read_answers(file) for name, file in cell.probed.items()}
        check = read_verification(cell.verified) if cell.verified else None
        found = measure(rows, read_answers(cell.answers), deletion, cost, probed, verification=check)
        table = metrics_table(found, deletion)
        count = len(table["metric"])
        names: dict[str, list[Any]] = {"deletion": [cell.deletion] * count, "method": [cell.method] * count}
        for name, values in (names | table).items():
            columns.setdefault(name, []).extend(values)
    return columns


def _cost_of(run: str | Path, served: int | None) -> Cost:
    """Return the cost in a record; the cost of a search is divided by the number of deletion sets that share it."""
    told = read_json(run)
    names = [field.name for field in fields(Cost) if field.name in told]
    for field in fields(Cost):
        if field.name not in told and field.default is not None:  # a count that is missing is not 0
            raise DamagedError(Path(run), fault=f"is of another version: it does not tell '{field.name}'")
    cost = Cost(**{name: told[name] for name in names})
    if cost.tuning_passes is None or served is None:
        return cost
    return replace(cost, tuning_passes=cost.tuning_passes / served)
