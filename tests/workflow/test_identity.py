"""Files and artifacts are identified by content: a swapped one is noticed, refused and rebuilt."""

import io
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from conftest import TINY, Project
from PIL import Image

from benchmarks.study import copy_project
from unpoison.damage import DamagedError
from unpoison.files import read_json, write_json
from unpoison.metrics import METRICS
from unpoison.provenance import check_artifacts
from unpoison.rows import read_rows
from unpoison.runs.artifacts import standings
from unpoison.runs.current import Current
from unpoison.study.code import files_of
from unpoison.study.plan import Plan
from unpoison.tracing import trace

OLD = 1_600_000_000
ROWS = "results/sources/{kind}/rows.parquet"
DELETION = "results/pair/seed0/corner_swap/resnet9/flagged/deletion.parquet"


def png(value: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((16, 16, 3), value, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def write_parquet(folder: Path, order: int) -> Path:
    for split in ("test", "train"):
        columns = {"image": [png(value) for value in range(6)], "label": ["cat"] * 3 + ["dog"] * 3}
        columns["label"] = columns["label"][::order]
        pq.write_table(pa.table(columns), folder / f"{split}.parquet")
    return folder / "train.parquet"


def write_images(folder: Path, order: int) -> Path:
    for number, value in enumerate(list(range(6))[::order]):
        for split in ("train", "test"):
            path = folder / f"images/{split}/{'cat' if number < 3 else 'dog'}/{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(value))
    return folder / "images/train/cat/0.png"


def write_list(folder: Path, order: int) -> Path:
    rows = read_rows(folder.parent / "results/pair/seed0/corner_swap/rows.parquet").of("train")
    (folder / "flagged.csv").write_text(f"row_id\n{rows.row_id[order]}\n")
    return folder / "flagged.csv"


# For each kind: its writer, the file that is made from it, and the rule that makes it.
KINDS: dict[str, tuple[Callable[[Path, int], Path], str, str]] = {
    "parquet": (write_parquet, ROWS.format(kind="parquet"), "prepare_source"),
    "image_folder": (write_images, ROWS.format(kind="image_folder"), "prepare_source"),
    "flagged": (write_list, DELETION, "select_deletion"),
}
TARGETS = [target for _, target, _ in KINDS.values()]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has read a source of each kind and selected a deletion set by a list of rows."""
    folder = tmp_path_factory.mktemp("made")
    copy_project(folder)
    (folder / "data").mkdir()
    config = yaml.safe_load(TINY) | {"data_folder": "data"}
    config["sources"] |= {
        "parquet": {"train": "train.parquet", "test": "test.parquet", "image_size": 16},
        "image_folder": {"path": "images", "image_size": 16},
    }
    config["deletions"]["flagged"] = {"rows": "flagged.csv"}
    config["studies"]["imbalance"] |= {"deletions": ["flagged"], "vary": {}}
    config["studies"] = {"imbalance": config["studies"]["imbalance"]}
    del config["figures"]
    (folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    (folder / "data/flagged.csv").touch()
    for write in (write_parquet, write_images):
        write(folder / "data", 1)
    project = Project(folder)
    done = project.snakemake("results/pair/seed0/corner_swap/rows.parquet")
    assert done.returncode == 0, done.stdout + done.stderr
    write_list(folder / "data", 1)
    done = project.snakemake(*TARGETS)
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture
def data(made: Project, tmp_path: Path) -> Project:
    """A copy of `made` that a test may change."""
    shutil.copytree(made.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def planned(project: Project, *arguments: str) -> str:
    done = project.snakemake("-n", *TARGETS, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def is_current(project: Project, target: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.chdir(project.folder)
    return Current(Plan(project.config)).holds(Path(target))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_replaced_by_an_older_one_is_seen(
    data: Project, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    write, target, rule = KINDS[kind]
    assert is_current(data, target, monkeypatch)
    path = write(data.folder / "data", -1)
    os.utime(path, (OLD, OLD))
    assert re.search(rf"^{rule} +1$", planned(data), flags=re.MULTILINE)
    assert not is_current(data, target, monkeypatch)
    done = data.snakemake(target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert is_current(data, target, monkeypatch)


def test_touched_and_copied_files_of_any_size_rerun_nothing(data: Project) -> None:
    for path in list((data.folder / "data").rglob("*.*")):
        path.with_name("copy").write_bytes(path.read_bytes())
        path.with_name("copy").replace(path)
        later = time.time() + 5
        os.utime(path, (later, later))
    assert "Nothing to be done" in planned(data)
    for file in (
        "max-checksum-file-size: 200MB",
    ):  # now every file is too large for Snakemake to compare its content
        data.edit("profiles/default/profile.yaml", file, "max-checksum-file-size: 1")
    assert "prepare_source" not in planned(data)
    assert "select_deletion" not in planned(data)


def test_a_source_that_cannot_be_read_ends_the_plan_with_a_line(data: Project) -> None:
    image = data.folder / "data/images/train/cat/0.png"
    image.unlink()
    image.symlink_to("/proc/self/mem")  # unreadable from its beginning, even for root
    done = data.snakemake("-n", *TARGETS)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last == "error: data/images/train/cat/0.png cannot be read (Input/output error)"
    assert "Traceback" not in done.stderr


def test_sources_that_moved_rerun_nothing(data: Project) -> None:
    (data.folder / "data").rename(data.folder / "elsewhere")
    data.set("data_folder", "elsewhere")
    assert "prepare_source" not in planned(data)


def test_data_that_change_while_a_job_reads_them_are_refused(data: Project) -> None:
    data.edit(
        "unpoison/jobs/prepare_source.py",
        "        files = peek_source",
        '        next(folder.glob("images/train/cat/*")).write_bytes(b"")\n        files = peek_source',
    )
    write_images(data.folder / "data", -1)
    done = data.snakemake(ROWS.format(kind="image_folder"))
    assert done.returncode == 1
    log = (data.folder / "results/logs/sources/image_folder.log").read_text()
    assert log.endswith(
        "error: the files of source 'image_folder' have changed since this run was planned; run it again\n"
    )


# -- artifacts -------------------------------------------------------------------------------------------

BASE = "results/{dataset}/seed0/corner_swap{share}/resnet9/base/{file}"
OF_PAIR = {"dataset": "pair", "share": ""}
OF_HALF = {"dataset": "pair@keep.cat=0.5", "share": "@share.cat=0.2"}
CELL = "results/pair/seed0/corner_swap/resnet9/everything_found@fpr=0.0/finetune/model.safetensors"


@pytest.fixture
def results(finished: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Only the artifacts of the finished study, which are enough for the state of its cells."""
    left_out = shutil.ignore_patterns("tables", "figures", "logs")
    shutil.copytree(finished.folder / "results", tmp_path / "results", ignore=left_out)
    shutil.copy(finished.folder / "tiny.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


def base(project: Project, file: str, names: dict[str, str] = OF_PAIR) -> Path:
    return project.folder / BASE.format(file=file, **names)


def copy_the_model(project: Project) -> None:
    shutil.copy2(base(project, "model.safetensors", OF_HALF), base(project, "model.safetensors"))


def copy_model_and_record(project: Project) -> None:
    copy_the_model(project)
    shutil.copy2(base(project, "run.json", OF_HALF), base(project, "run.json"))


def flip_a_bit_of_the_record(project: Project) -> None:
    text = base(project, "run.json").read_text()
    base(project, "run.json").write_text(text.replace('"momentum": 0.5', '"momentum": 0.4'))


def remove_the_record(project: Project) -> None:
    base(project, "run.json").unlink()


def take_another_recipe(project: Project, root: str = "results") -> None:
    path = root / base(project, "run.json").relative_to(project.folder / "results")
    record = read_json(path)
    record["spec"]["recipe"]["momentum"] = 0.4
    write_json(path, record)


def take_other_rows(project: Project) -> None:
    record = read_json(base(project, "run.json"))
    record["inputs"]["results/pair/seed0/corner_swap/rows.parquet"] = "0" * 32
    write_json(base(project, "run.json"), record)


def cut_the_model_off(project: Project) -> None:
    base(project, "model.safetensors").write_bytes(base(project, "model.safetensors").read_bytes()[:9000])


FAULTS = {
    copy_the_model: "is damaged: its checksum is not that in",
    copy_model_and_record: "is not named by its record",
    flip_a_bit_of_the_record: "has a damaged record",
    remove_the_record: "has no record",
    take_another_recipe: "was made by another config: its recipe is not the one of this run",
    take_other_rows: "was made from another results/pair/seed0/corner_swap/rows.parquet",
    cut_the_model_off: "is damaged: its checksum is not that in",
}


def states(project: Project) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for cell, standing in standings(Plan(project.config)).items():
        found.setdefault(cell.dataset, set()).add(standing.state)
    return found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_model_with_a_fault_is_stale_and_refused(
    results: Project, fault: Callable[[Project], None]
) -> None:
    fault(results)
    found = states(results)
    assert "stale" in found.pop("pair")
    assert set.union(*found.values()) == {"done"}
    record = read_json(results.folder / CELL.replace("model.safetensors", "run.json"))
    with pytest.raises(DamagedError) as refused:
        check_artifacts([file for file in record["inputs"] if not file.endswith("run.json")], record["spec"])
    assert FAULTS[fault] in str(refused.value)
    assert str(refused.value).startswith("results/pair/seed0/corner_swap/resnet9/base/model.safetensors ")
    refused.value.put_aside()  # as the failing job does
    assert not base(results, "model.safetensors").exists()
    assert base(results, "model.safetensors.corrupt").exists()


def test_rows_of_another_config_are_refused_and_not_the_model(results: Project) -> None:
    rows = "results/pair/seed0/corner_swap/rows.parquet"
    path = Path(rows).with_name("run.json")
    record = read_json(path)
    record["spec"]["options"]["count"] += 1
    write_json(path, record)
    assert "stale" in states(results)["pair"]
    read = read_json(results.folder / CELL.replace("model.safetensors", "run.json"))
    files = [file for file in read["inputs"] if not file.endswith("run.json")]
    with pytest.raises(
        DamagedError, match=rf"^{rows} was made by another config: its data is not the one of this run"
    ):
        check_artifacts(files, read["spec"])
    assert base(results, "model.safetensors").exists()


@pytest.mark.parametrize("root", ["results", "moved/to/another"])
def test_every_artifact_of_a_run_passes_also_in_a_folder_that_was_moved(results: Project, root: str) -> None:
    if root != "results":
        Path(root).parent.mkdir(parents=True)
        Path("results").rename(root)
    records = sorted(Path(root).rglob("*run.json"))
    files = [record.with_name(Path(file).name) for record in records for file in read_json(record)["outputs"]]
    assert len(files) > 30
    check_artifacts(map(str, files), {})


@pytest.mark.parametrize("root", ["moved", "pair/seed0"])
def test_the_cells_of_a_folder_that_was_moved_or_copied_are_done(results: Project, root: str) -> None:
    shutil.copytree("results", root)
    results.set("results_folder", root)
    cell = Path(root) / Path(CELL).relative_to("results")
    assert set.union(*states(results).values()) == {"done"}
    lines = trace([cell.with_name("run.json")])
    assert len(lines) > 4
    assert lines["record"].str.startswith(f"{root}/").all()
    take_another_recipe(results, root)
    assert "stale" in states(results)["pair"]


def test_the_job_that_reads_a_wrong_model_fails_with_a_line_and_the_next_run_makes_it_anew(
    project: Project,
) -> None:
    right = base(project, "model.safetensors").read_bytes()
    copy_the_model(project)
    (project.folder / CELL).unlink()
    done = project.snakemake(CELL)
    assert done.returncode == 1
    log = (project.folder / CELL.replace("results/", "results/logs/")).with_name("unlearn.log").read_text()
    assert log.startswith(
        "error: results/pair/seed0/corner_swap/resnet9/base/model.safetensors is damaged: its checksum"
    )
    assert log.count("\n") == 1
    done = project.snakemake(CELL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert base(project, "model.safetensors").read_bytes() == right


OTHERS = {
    "results/sources/generated/rows.parquet": (
        "options",
        "results/pair/seed0/corner_swap/rows.parquet",
        "poison_dataset.log",
    ),
    CELL.replace("finetune/model.safetensors", "deletion.parquet"): ("deletion", CELL, "unlearn.log"),
}


@pytest.mark.parametrize("file", OTHERS)
def test_a_source_or_deletion_set_of_another_config_is_refused(project: Project, file: str) -> None:
    key, read_by, log = OTHERS[file]
    record = (project.folder / file).with_name("run.json")
    told = read_json(record)
    told["spec"][key]["recall" if key == "deletion" else "train_per_class"] = 0.5
    write_json(record, told)
    (project.folder / read_by).unlink()
    done = project.snakemake(read_by, "--rerun-triggers", "mtime")
    assert done.returncode == 1, done.stderr
    said = (project.folder / read_by.replace("results/", "results/logs/")).with_name(log).read_text()
    assert said.startswith(f"error: {file} was made by another config: its {key} is not the one of this run")


RECORDS = [
    [],
    "text",
    None,
    {},
    {"step": "train_oracle"},
    *({key: None} for key in ("step", "identity", "spec", "inputs", "outputs", "stamps", "versions")),
    {"step": "train_something"},
    {"step": "tune"},
    {"step": "__init__"},
    {"identity": {}},
    {"identity": {"dataset": "none", "seed": "x"}},
    {"identity": {"a b": [1]}},
    {"spec": {"options": 3}},
    {"inputs": {"results/pair/seed0/corner_swap/rows.parquet": 7}},
    {"inputs": {"results/nowhere.parquet": "0"}},
    {"stamps": {"results/pair/seed0/corner_swap/resnet9/base/model.safetensors": "now"}},
]


@pytest.mark.parametrize("other", RECORDS, ids=str)
def test_a_record_of_another_version_is_stale_and_no_traceback(results: Project, other: Any) -> None:
    for path in (base(results, "run.json"), base(results, "run.json").parents[1] / "metrics.run.json"):
        if isinstance(other, dict):
            write_json(path, {**(read_json(path) if other else {}), **other})
        else:
            path.write_text(json.dumps(other))
    assert "stale" in states(results)["pair"] or "stamps" in other


FIGURES = ("results", "statistics", "references", "drawing", "plots", "report")
JUDGING = ("metrics",)
ELSEWHERE = {  # rule -> its plug-in, and the folders whose edits must not rerun it
    "train_base": ([], ("detectors", "unlearning", "deletion", "scores", *JUDGING, *FIGURES)),
    "train_oracle": ([], ("detectors", "features", "unlearning", "deletion", "scores", *JUDGING, *FIGURES)),
    "score_rows": (["unpoison.detectors.loss"], ("unlearning", "deletion", *JUDGING, *FIGURES)),
    "unlearn": (["unpoison.unlearning.scrub"], ("detectors", "features", *JUDGING, *FIGURES)),
}


@pytest.mark.parametrize("rule", ELSEWHERE)
def test_no_edit_elsewhere_or_of_a_check_of_options_reruns_a_network(rule: str) -> None:
    plugins, elsewhere = ELSEWHERE[rule]
    files = files_of(f"unpoison.jobs.{rule}", "unpoison.poisons.patch", "unpoison.models.resnet9", *plugins)
    rooms = {Path(file).parts[1].removesuffix(".py") for file in files if file.startswith("unpoison/")}
    assert {"networks", "pixels", "poisons", "models"} <= rooms
    assert rooms & {*elsewhere, "options", "api", "arguments"} == set()


def test_no_edit_of_a_network_or_a_method_measures_again() -> None:
    files = files_of("unpoison.jobs.measure", *(METRICS.code(name) for name in METRICS))
    rooms = {Path(file).parts[1].removesuffix(".py") for file in files}
    assert {"metrics", "answers", "rows"} <= rooms
    assert rooms & {"networks", "models", "training", "asking", "detectors", "unlearning", *FIGURES} == set()
