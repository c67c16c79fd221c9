"""Blocks of seeds are pooled to one study whose rows name their blocks; incompatible blocks are refused."""

import shutil
from pathlib import Path

import pytest

from unpoison.errors import UserError
from unpoison.files import read_table, write_table
from unpoison.runs.pooling import in_ranges, pool
from unpoison.study.plan import Plan

TABLES = ("results", "provenance")


@pytest.fixture
def plan(project, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A plan of three seeds; the results folder has only the first."""
    monkeypatch.chdir(project.folder)
    for study in project.config["studies"]:
        project.set(f"studies/{study}/seeds", 3)
    return Plan(project.config)


@pytest.fixture
def blocks(project) -> Path:
    """Two blocks: one of seed 0, and one of seed 1 with other values."""
    folder = project.folder / "blocks"
    for seed, name in enumerate(("first", "second")):
        (folder / name).mkdir(parents=True)
        for table in TABLES:
            rows = read_table(project.folder / f"results/tables/{table}.parquet")
            rows["seed"] = rows["seed"].where(rows["seed"].isna(), seed)
            if table == "results":
                rows["value"] += seed / 16
            write_table(folder / f"{name}/{table}.parquet", rows)
    return folder


def change(path: Path, **columns: object) -> None:
    write_table(path, read_table(path).assign(**columns))


def test_blocks_become_the_tables_figures_and_report_of_their_study(
    plan: Plan, blocks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pool(plan, blocks, tmp_path / "out")
    told = capsys.readouterr().out
    assert "imbalance: seeds 0 from first\n" in told
    assert "false_positives: seeds 1 from second\n" in told
    assert f"{len(plan.cells) // 3} of {len(plan.cells)} cells are missing" in told
    tables = {path.stem: read_table(path) for path in (tmp_path / "out/tables").glob("*.parquet")}
    parts = [read_table(blocks / name / "results.parquet") for name in ("first", "second")]
    assert len(tables["results"]) == sum(map(len, parts))
    assert tables["results"].dtypes.to_dict() == parts[0].dtypes.to_dict()
    means = tables["summary"].query("metric == 'clean_accuracy' and class_name.isna()")
    assert set(means["n"]) == {2}
    seed0 = parts[0].query("metric == 'clean_accuracy' and class_name.isna()")
    assert means["mean"].to_numpy() == pytest.approx(seed0["value"].to_numpy() + 1 / 32)
    assert set(tables["missing"]["seed"]) == {2}
    assert set(tables["missing"]["reason"]) == {"in no block"}
    assert set(tables["provenance"]["block"]) == {"first", "second"}
    assert (tables["blocks"]["models"] > 0).all() and (tables["blocks"]["image_passes"] > 0).all()
    report = (tmp_path / "out/report.html").read_text()
    assert "cells are missing" in report
    assert (tmp_path / "out/figures/imbalance.png").is_file()


def test_a_seed_of_a_study_in_two_blocks_is_refused(plan: Plan, blocks: Path, tmp_path: Path) -> None:
    shutil.copytree(blocks / "first", blocks / "again")
    with pytest.raises(UserError, match=r"seed 0 of the study .* in the blocks again and first"):
        pool(plan, blocks, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_block_of_other_options_is_refused(project, blocks: Path, tmp_path: Path, plan: Plan) -> None:
    project.set("methods/finetune/learning_rate", 0.125)
    with pytest.raises(UserError, match=r"block first: unlearn of .*method finetune had other options"):
        pool(Plan(project.config), blocks, tmp_path / "out")
    change(blocks / "second/provenance.parquet", options="another")
    with pytest.raises(UserError, match=r"block second: .* had other options than the config gives it"):
        pool(plan, blocks, tmp_path / "out")


def test_what_the_config_does_not_ask_for_is_refused(plan: Plan, blocks: Path, tmp_path: Path) -> None:
    for column, value in {"study": "unknown", "seed": 7, "method": "scrub"}.items():
        path = blocks / "second/results.parquet"
        before = read_table(path)
        write_table(path, before.assign(**{column: value}))
        with pytest.raises(
            UserError, match=f"block second: found .*{value}.*, allowed: what the config asks"
        ):
            pool(plan, blocks, tmp_path / "out")
        write_table(path, before)


def test_a_block_must_tell_where_its_models_come_from(plan: Plan, blocks: Path, tmp_path: Path) -> None:
    path = blocks / "second/provenance.parquet"
    records = read_table(path)
    write_table(path, records[records["training"].isna()])
    with pytest.raises(
        UserError, match=r"block second: provenance.parquet lacks the records of dataset pair"
    ):
        pool(plan, blocks, tmp_path / "out")
    write_table(path, records.drop(columns="options"))
    with pytest.raises(UserError, match=r"block second: provenance.parquet lacks the column options"):
        pool(plan, blocks, tmp_path / "out")
    path.unlink()
    with pytest.raises(UserError, match="no such file"):
        pool(plan, blocks, tmp_path / "out")


def test_a_folder_without_blocks_is_refused(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"found no block, allowed: folders with results.parquet and provenance"
    ):
        pool(plan, tmp_path, tmp_path / "out")


def test_a_block_of_seeds_that_are_done_asks_for_no_job(project) -> None:
    for study in project.config["studies"]:
        project.set(f"studies/{study}/seeds", 3)
    assert project.jobs()["train_base"] > 0
    project.set("only_seeds", "0-0")
    assert project.jobs() == {}


def test_seeds_are_told_in_short() -> None:
    assert [in_ranges(seeds) for seeds in ([4], [0, 1, 2], [0, 2, 3, 9])] == ["4", "0-2", "0, 2-3, 9"]
