"""The table of `unpoison status`: cells done, failed, begun and left, and the reasons of failures."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from unpoison.runs.artifacts import STATES, Standing, failures_after, scores_of, standings
from unpoison.study.plan import Plan
from unpoison.study.studies import Cell


def status(plan: Plan) -> Iterator[str]:
    """Yield the lines: a row for each method of each study, their sum, the scans and repairs, and each error once."""
    found = standings(plan)
    if found:
        yield from _cells(plan, found)
    yield from _asked_for(plan)
    yield from _errors(found)
    yield from _errors_after(plan)
    where = f"by the files in {plan.settings.results_folder}"
    yield f"{_done(plan, found):.0%} done, {where}; `unpoison run ... -- -n` lists what changed settings rerun"


def _cells(plan: Plan, found: dict[Cell, Standing]) -> Iterator[str]:
    """Yield the table of the cells, and their sum."""
    counts = {
        (study.name, method): Counter(found[cell].state for cell in study.cells() if cell.method == method)
        for study in plan.studies.values()
        for method in dict.fromkeys(cell.method for cell in study.cells())
    }
    counts |= {
        (f"repairs.{name}", repair.cell.method): Counter([found[repair.cell].state])
        for name, repair in plan.repairs.items()
    }
    width = max(len(name) for names in (("study", "method"), *counts) for name in names)
    yield "  ".join(f"{name:<{width}}" for name in ("study", "method")) + _columns(*STATES)
    for names, count in counts.items():
        yield "  ".join(f"{name:<{width}}" for name in names) + _columns(*(count[state] for state in STATES))
    whole = Counter(standing.state for standing in found.values())
    title = f"all {len(found)} cells, shared ones once"
    yield f"{title:<{2 * width + 2}}" + _columns(*(whole[state] for state in STATES))


def _asked_for(plan: Plan) -> Iterator[str]:
    """Yield the state of each scan and of each model to hand over."""
    results = Path(plan.settings.results_folder)
    for name, scan in plan.scans.items():
        files = scores_of(scan, results)
        there = sum(file.is_file() for file in files)
        page = results / "scans" / name / "scan.json"
        yield f"scan {name}: {there} of {len(files)} scores, {'its page is there' if page.is_file() else 'no page yet'}"
    for name in plan.repairs:
        is_there = (results / "repairs" / name / "repair.json").is_file()
        yield f"repair {name}: {'handed over' if is_there else 'not handed over yet'}"


def _done(plan: Plan, found: dict[Cell, Standing]) -> float:
    """Return the share of cells and of scores that are done."""
    results = Path(plan.settings.results_folder)
    done = [standing.state == "done" for standing in found.values()]
    done += [file.is_file() for scan in plan.scans.values() for file in scores_of(scan, results)]
    return sum(done) / len(done)


def _columns(*values: object) -> str:
    return "".join(f"{value:>8}" for value in values)


def _errors(found: dict[Cell, Standing]) -> Iterator[str]:
    """Yield each failed job once, with the number of cells that wait for it."""
    failed = Counter((standing.log, standing.error) for standing in found.values() if standing.log)
    for (log, error), cells in failed.items():
        yield f"failed, {cells} cell{'s' * (cells > 1)}: {error}"
        yield f"    {Path(log)}"


def _errors_after(plan: Plan) -> Iterator[str]:
    """Yield each error of the jobs that follow the cells once, with the number of jobs that it ended."""
    logs: dict[str, list[Path]] = {}
    for log, error in failures_after(plan):
        logs.setdefault(error, []).append(log)
    for error, ended in logs.items():
        yield f"failed, {len(ended)} job{'s' * (len(ended) > 1)} after the cells: {error}"
        yield f"    {ended[0]}"
