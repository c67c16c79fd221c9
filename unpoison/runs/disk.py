"""Disk usage of a results folder by kind of file, and deletion of kinds that no result depends on."""

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from unpoison.errors import UserError, one_of
from unpoison.files import hold
from unpoison.runs.artifacts import ANSWERS, HELD_OUT, WEIGHTS, folder_of, standings
from unpoison.study.plan import Plan
from unpoison.study.sections import PARTIAL, RESERVED
from unpoison.text import as_table, printable

# The kinds that can be deleted, and the consequence.
GOES = {
    "leftovers": "nothing: they are damaged files that were put aside, and unfinished files of killed jobs",
    "partial": "`unpoison partial` makes them again",
    "logs": "`unpoison status` can no longer show why a job failed",
    "images": "a run of a changed config makes them again, and then all that was made from them",
    "outputs": "a run that needs them trains the base models again, and then repeats all that follows",
}
STAYS = {
    "models": "weights of trained and repaired models",
    "answers": "answers of models to the test images",
    "report": "tables, figures and the report",
    "records": "rows, scores, deletion sets, histories and records",
    "others": "not of this config: never deleted",
}
REMADE = ("images", "outputs")  # unfinished jobs need them
TEMPORARY = re.compile(r"\..+-\d+(-[0-9a-f]+)?\.tmp(\.\w+)?")  # of `files.written_whole`
ENDINGS = {PARTIAL: (".parquet", ".csv", ".pdf", ".png", ".html"), "logs": (".log",)}


def files_by_kind(plan: Plan) -> dict[str, list[Path]]:
    """Return the files below the results folder by kind; no link is followed, and links are left out."""
    results, found = Path(plan.settings.results_folder), defaultdict(list)
    folders = folders_of(plan)
    for place, _, names in os.walk(results):
        below = Path(place).relative_to(results)
        for name in names:
            path = Path(place, name)
            if not path.is_symlink() and name != ".lock":
                kind = _kind(below, name) if below.as_posix() in folders else "others"
                found[kind].append(path)
    return {kind: sorted(found[kind]) for kind in (*GOES, *STAYS)}


def folders_of(plan: Plan) -> set[str]:
    """Return the folders that the jobs of a config write to, below the results folder, and those of their logs."""
    found = {".", "tables", "figures"}
    trained = {(cell.dataset, f"seed{cell.seed}", cell.poison, cell.training) for cell in plan.all_cells}
    trained |= {
        (scan.dataset.name, f"seed{seed}", scan.poison.name, scan.training.name)
        for scan in plan.scans.values()
        for seed in scan.seeds
    }
    for dataset, seed, poison, training in trained:
        place = Path(dataset, seed, poison, training)
        found |= {path.as_posix() for path in (place, *place.parents)}
        found |= {f"{place.as_posix()}/{name}" for name in RESERVED["deletion"]}
        found |= {f"sources/{plan.datasets[dataset].source.name}", "sources"}
        found.add(f"{dataset}/tuned/{poison}/{training}")
    for cell in plan.all_cells:
        place = Path(folder_of(cell))
        found |= {
            path.as_posix() for path in (place, place.parent, place / HELD_OUT, place.parent / HELD_OUT)
        }
    for section, names in (("repairs", plan.repairs), ("scans", plan.scans)):
        found |= {section, *(f"{section}/{name}" for name in names)} if names else set()
    found |= {Path("logs", place).as_posix() for place in found}
    return found | {"logs/snakemake", PARTIAL, f"{PARTIAL}/tables", f"{PARTIAL}/figures"}


def describe(plan: Plan) -> Iterator[str]:
    """Yield a table of the kinds with files, megabytes, and the consequence of their deletion."""
    lines = [
        (
            kind,
            str(len(files)),
            f"{size_of(files) / 1e6:.1f}",
            "yes" if kind in GOES else "no",
            {**GOES, **STAYS}[kind],
        )
        for kind, files in files_by_kind(plan).items()
        if files
    ]
    if not lines:
        yield f"{plan.settings.results_folder} holds no files"
        return
    yield as_table(("kind", "files", "MB", "can go", "what follows, or what it is"), lines)
    yield "`--delete KIND` deletes a kind that can go; tables, figures and the report stay"


def delete(plan: Plan, kind: str) -> str:
    """Delete the files of a kind, and return the line that reports their number and size.

    Raises:
        UserError: for a kind that stays, while a run uses the folder, and for files that are still needed.
    """
    if kind not in GOES:
        raise one_of("kind that can be deleted", kind, GOES)
    results = Path(plan.settings.results_folder)
    if not results.is_dir():
        raise UserError(f"no such folder: {results}")
    with hold(results):
        every = files_by_kind(plan)
        if kind in REMADE:
            _require_unneeded(plan, kind, every)
        files = every[kind]
        size = size_of(files)
        for path in files:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise UserError(f"cannot delete {path}: {error.strerror or error}") from error
    return f"Deleted {len(files)} files of {kind} in {results}: {size / 1e6:.1f} MB"


def size_of(files: list[Path]) -> int:
    """Return the size of files in bytes; files that have disappeared count zero."""
    return sum(path.lstat().st_size for path in files if path.exists())


def _kind(below: Path, name: str) -> str:
    top = below.parts[0] if below.parts else ""
    if name.endswith(".corrupt") or TEMPORARY.fullmatch(name):
        return "leftovers"
    if top in ENDINGS:
        return top if Path(name).suffix in ENDINGS[top] else "others"
    if name == "images.npy":
        return "images"
    if name == "outputs.npy":
        return "outputs"
    if name == WEIGHTS:
        return "models"
    if name == ANSWERS or re.fullmatch(r"after_\w+\.npy", name):
        return "answers"
    if top in ("tables", "figures") or name == "report.html":
        return "report"
    return "records"


def _require_unneeded(plan: Plan, kind: str, every: Mapping[str, list[Path]]) -> None:
    """Refuse to delete files that unfinished cells need, of this config or of another in the same folder."""
    missing = sum(standing.state != "done" for standing in standings(plan).values())
    if missing:
        raise UserError(f"{kind}: found {missing} cells that are not done and need them, allowed: none")
    if every["others"]:
        raise UserError(
            f"{kind}: found {len(every['others'])} files of another config that may need them, such as "
            f"{printable(str(every['others'][0]))}; allowed: none"
        )
