"""`unpoison status`: the state of every cell, derived from the files alone."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from conftest import TINY

from unpoison.runs.artifacts import error_of, folder_of, standings
from unpoison.runs.status import status
from unpoison.study.plan import Plan

ROOT = Path(__file__).parents[2]
TRAINED = "pair@keep.cat=0.5/seed0/corner_swap@share.cat=0.2/resnet9"
TRACE = """epoch 1/1
Traceback (most recent call last):
  File "unlearn.py", line 3, in <module>
    x
RuntimeError: no memory
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(yaml.safe_load(TINY) | {"results_folder": str(tmp_path)})


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def states(plan: Plan) -> dict[str, str]:
    return {folder_of(cell): standing.state for cell, standing in standings(plan).items()}


def test_nothing_is_done_before_a_run(plan: Plan) -> None:
    assert set(states(plan).values()) == {"left"}


def test_a_finished_run_is_done(finished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished.folder)  # records have relative paths, as in the run
    plan = Plan(finished.config)
    assert set(states(plan).values()) == {"done"}
    assert list(status(plan))[-1].startswith("100% done")


def test_a_failed_training_fails_the_cells_that_need_it_and_no_others(plan: Plan, tmp_path: Path) -> None:
    write(tmp_path / f"logs/{TRAINED}/base/train.log", TRACE)
    write(tmp_path / f"{TRAINED}/oracle/answers.npy")
    found = states(plan)
    failed = {folder for folder, state in found.items() if state == "failed"}
    assert failed == {folder for folder in found if folder.startswith(TRAINED)} - {f"{TRAINED}/oracle"}
    assert found[f"{TRAINED}/oracle"] == "stale"  # its answers have no matching record


def test_a_failed_method_fails_its_own_cell(plan: Plan, tmp_path: Path) -> None:
    write(tmp_path / f"logs/{TRAINED}/everything_found/retrain/unlearn.log", "error: no rows\n")
    assert [folder for folder, state in states(plan).items() if state == "failed"] == [
        f"{TRAINED}/everything_found/retrain"
    ]


def test_a_source_that_cannot_be_read_fails_every_cell(plan: Plan, tmp_path: Path) -> None:
    write(tmp_path / "logs/sources/generated.log", "error: no images\n")
    assert set(states(plan).values()) == {"failed"}
    assert sum("error: no images" in line for line in status(plan)) == 1


def test_a_failed_search_of_options_fails_the_cells_of_all_its_budgets(tmp_path: Path) -> None:
    config = yaml.safe_load(TINY) | {"results_folder": str(tmp_path), "figures": {}}
    config["deletions"]["most_found"] = {"recall": 0.8}
    config["tunings"] = {"small": {"trials": 2, "seeds": [8, 9], "deletion": "most_found"}}
    config["methods"]["finetune"] = {"tuning": "small"}
    study = config["studies"]["imbalance"]
    study |= {"methods": ["finetune"], "vary": study["vary"] | {"method.budget": [1, 2]}}
    config["studies"] = {"imbalance": study}
    plan = Plan(config)
    dataset, _, poison, training = TRAINED.split("/")
    write(tmp_path / "logs" / dataset / "tuned" / poison / training / "finetune.log", TRACE)
    failed = [folder for folder, state in states(plan).items() if state == "failed"]
    assert failed == [f"{TRAINED}/everything_found/finetune@budget={budget}" for budget in (1, 2)]


def test_a_failed_detector_fails_the_cells_of_its_deletion_sets_alone(tmp_path: Path) -> None:
    more = {"results_folder": str(tmp_path), "detectors": {"spectral_signatures": {}}, "figures": {}}
    config = yaml.safe_load(TINY) | more
    config["deletions"]["found"] = {"detector": "spectral_signatures", "top": 0.1}
    config["studies"]["imbalance"]["deletions"] = ["everything_found", "found"]
    write(tmp_path / f"logs/{TRAINED}/scores/spectral_signatures.log", TRACE)
    failed = [folder for folder, state in states(Plan(config)).items() if state == "failed"]
    assert failed == [f"{TRAINED}/found/finetune", f"{TRAINED}/found/retrain"]


def test_a_failed_measurement_fails_no_cell_and_is_told_once(plan: Plan, tmp_path: Path) -> None:
    for trained in (TRAINED, TRAINED.replace("0.5", "1.0")):
        write(tmp_path / f"logs/{trained}/measure.log", "error: the metric mine gave the value nan\n")
    write(tmp_path / "logs/figures/imbalance.log", TRACE)
    write(tmp_path / "logs/figures/of_another_config.log", TRACE)
    assert set(states(plan).values()) == {"left"}
    assert [line for line in status(plan) if line.startswith("failed")] == [
        "failed, 2 jobs after the cells: error: the metric mine gave the value nan",
        "failed, 1 job after the cells: RuntimeError: no memory",
    ]


def test_a_job_at_work_or_killed_is_begun(plan: Plan, tmp_path: Path) -> None:
    write(tmp_path / f"logs/{TRAINED}/everything_found/retrain/unlearn.log", "epoch 1/5\n")
    assert states(plan)[f"{TRAINED}/everything_found/retrain"] == "begun"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (TRACE, "RuntimeError: no memory"),
        ("error: the training loss is not finite\n", "error: the training loss is not finite"),
        ("a warning\nepoch 1/2  loss 0.3\n", ""),
        (f"{'x' * 40_000}\n{TRACE}", "RuntimeError: no memory"),
        ("", ""),
    ],
)
def test_the_error_of_a_log_is_one_line(tmp_path: Path, text: str, error: str) -> None:
    write(tmp_path / "a.log", text)
    assert error_of(tmp_path / "a.log") == error


def ask(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-X", "importtime", "-m", "unpoison", "status", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_imports_no_large_library_and_prints_the_table() -> None:
    done = ask("config/demo.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:7] == ["study", "method", "done", "stale", "failed", "begun", "left"]
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert not {"torch", "pandas", "pyarrow", "matplotlib", "scipy"} & imported


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, "error: no such config: mine.yaml"),
        ("a: [", "mine.yaml is not YAML"),
        ("- a", "found list, allowed: a mapping"),
        ("studies: {}", "error: "),
    ],
)
def test_a_bad_config_is_told_in_one_line(tmp_path: Path, content: str | None, error: str) -> None:
    if content is not None:
        (tmp_path / "mine.yaml").write_text(content)
    command = [sys.executable, "-m", "unpoison", "status", "mine.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert error in done.stderr


def test_the_command_reads_all_configs(tmp_path: Path) -> None:
    whole = yaml.safe_load(TINY) | {"results_folder": "first"}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(whole))
    (tmp_path / "b.yaml").write_text("results_folder: second\n")
    script = [sys.executable, "-m", "unpoison", "status"]
    done = subprocess.run(
        [*script, "a.yaml", "b.yaml", "threads=1"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert "second" in said
    assert "first" not in said
    assert "Traceback" not in said


def test_metadata_that_is_nested_without_end_is_told_in_one_line(tmp_path: Path) -> None:
    table = pa.table({"image": [b""], "label": [0]}).replace_schema_metadata({"huggingface": "[" * 100_000})
    pq.write_table(table, tmp_path / "t.parquet")
    source = {"source": "parquet", "train": "t.parquet", "test": "t.parquet"}
    config = yaml.safe_load(TINY) | {"sources": {"generated": source}, "data_folder": "."}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "unpoison", "status", "mine.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr[-300:]
    assert "t.parquet" in done.stderr
