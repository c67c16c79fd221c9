"""Failed cells do not block the others: finished results are available, and missing cells are named."""

import random
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from unpoison.errors import UserError
from unpoison.report.words import gaps
from unpoison.runs.artifacts import Standing, standings
from unpoison.runs.partial import missing_cells, tables_of
from unpoison.runs.publishing import draw_figures, write_report
from unpoison.runs.read import config_of
from unpoison.study.plan import Plan

BREAKS = '''"""Breaks."""

from torch import nn

from unpoison.errors import UserError
from unpoison.contracts.request import Request


def unlearn(request: Request) -> nn.Module:
    """Break."""
    raise UserError("this method broke")
'''


def partial(project) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "unpoison", "partial", "tiny.yaml"]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)


def states(project, monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Return the states of each method's cells."""
    monkeypatch.chdir(project.folder)
    found: dict[str, set[str]] = {}
    for cell, standing in standings(Plan(project.config)).items():
        found.setdefault(cell.method, set()).add(standing.state)
    return found


def test_a_method_that_breaks_leaves_the_rest_to_be_had(project) -> None:
    (project.folder / "unpoison/unlearning/breaks.py").write_text(BREAKS)
    project.set("methods", {**project.config["methods"], "breaks": {}})
    project.set("studies/false_positives/methods", ["retrain", "finetune", "breaks"])
    before = (project.folder / "results/tables/results.parquet").stat()
    run = project.snakemake()
    assert run.returncode != 0
    assert "unpoison partial tiny.yaml` makes" in run.stderr
    done = partial(project)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 of 16 cells are missing (2 failed)\n")
    folder = project.folder / "results/partial"
    missing = pd.read_parquet(folder / "tables/missing.parquet")
    assert set(missing["method"]) == {"breaks"}
    assert set(missing["reason"]) == {"error: this method broke"}
    assert all((project.folder / log).is_file() for log in missing["log"])
    assert set(pd.read_parquet(folder / "tables/results.parquet")["method"]) == {
        "do_nothing",
        "oracle",
        "retrain",
        "finetune",
    }
    assert "2 of 16 cells are missing (2 failed)" in (folder / "report.html").read_text()
    assert (folder / "figures/false_positives.pdf").is_file()
    after = (project.folder / "results/tables/results.parquet").stat()
    assert after.st_mtime_ns == before.st_mtime_ns, "the tables of a whole run were touched"
    project.edit(
        "unpoison/unlearning/breaks.py", 'raise UserError("this method broke")', "return request.base"
    )
    jobs = project.jobs()
    assert jobs["unlearn"] == 2
    assert "train_base" not in jobs


def test_what_other_settings_made_is_stale_and_kept_out(project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set.union(*states(project, monkeypatch).values()) == {"done"}
    project.set("methods/finetune/length", 0.25)
    assert states(project, monkeypatch)["finetune"] == {"stale"}
    assert states(project, monkeypatch)["retrain"] == {"done"}
    project.set("recipes/quick/momentum", 0.4)
    assert set.union(*states(project, monkeypatch).values()) == {"stale"}


def test_a_file_that_was_made_anew_by_hand_makes_stale_what_was_read_from_it(
    project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.set("datasets/pair/source", "other")
    project.set(
        "sources/other",
        {"source": "generated", "train_per_class": 60, "test_per_class": 10, "image_size": 16},
    )
    assert set.union(*states(project, monkeypatch).values()) == {"stale"}


def test_any_cells_can_be_shown(finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished.folder)
    plan, rng = Plan(finished.config), random.Random(3)
    for part in ("tables", "figures"):
        (tmp_path / part).mkdir()
    for size in (1, 4, 9):
        done = rng.sample(plan.cells, size)
        found = {cell: Standing("done" if cell in done else "left") for cell in plan.cells}
        missing = missing_cells(found)
        assert len(missing) == len(plan.cells) - size
        tables = tables_of(plan, done, missing)
        tables["results"].to_csv(tmp_path / "tables/results.csv", index=False)
        note = gaps(missing, len(found))
        figures = list(draw_figures(plan, tables, tmp_path, note))
        write_report(plan, tables, figures, tmp_path)
        assert (
            f"{len(plan.cells) - size} of {len(plan.cells)} cells" in (tmp_path / "report.html").read_text()
        )


@pytest.mark.parametrize("methods", [["oracle"], ["do_nothing"], ["do_nothing", "oracle"], ["finetune"]])
def test_figures_of_gains_are_drawn_once_doing_nothing_and_another_model_are_done(
    finished,
    methods: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(finished.folder)
    plan = Plan(finished.config)
    (tmp_path / "figures").mkdir()
    done = [cell for cell in plan.cells if cell.method in methods]
    tables = tables_of(plan, done, missing_cells({}))
    drawn = [figure.name for figure in draw_figures(plan, tables, tmp_path, "")]
    assert drawn == (["imbalance"] if methods == ["do_nothing", "oracle"] else [])
    assert capsys.readouterr().out.count("is not drawn: ") == 2 - len(drawn)


def test_nothing_done_is_told_in_a_line(project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.set("results_folder", "elsewhere")
    done = partial(project)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: none of the 14 cells in elsewhere is done; `unpoison status` tells why"
    ]


def test_configs_are_laid_over_each_other_as_snakemake_does(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({"studies": {"one": {"seeds": 3, "methods": ["a"]}}}))
    (tmp_path / "b.yaml").write_text(yaml.safe_dump({"studies": {"one": {"methods": ["b"]}}}))
    found = config_of([str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"), "data_folder=images", "threads=2"])
    assert found == {
        "studies": {"one": {"seeds": 3, "methods": ["b"]}},
        "data_folder": "images",
        "threads": 2,
    }
    with pytest.raises(UserError, match="allowed: a config"):
        config_of(["data_folder=images"])


def test_a_link_in_the_place_of_the_partial_results_is_not_followed(project, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "tables").mkdir(parents=True)
    (mine / "tables/results.csv").write_text("mine")
    (project.folder / "results/partial").symlink_to(mine)
    assert partial(project).returncode == 0
    assert (mine / "tables/results.csv").read_text() == "mine"
    assert [path.name for path in mine.iterdir()] == ["tables"]
