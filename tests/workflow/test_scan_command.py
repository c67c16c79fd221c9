"""`unpoison scan` on a poisoned set and on its clean twin: verdict, files, reruns, and bad input."""

import csv
import json
import os
import shutil
from pathlib import Path

import company
import company_net
import pytest
from company import CompanySet
from conftest import Tutorial
from filelock import FileLock
from PIL import Image

from unpoison.command.main import run
from unpoison.tutorial import write_tutorial

NET = Path(company_net.__file__)
DETECTORS = ["left_out", "activation_clustering", "spectral_signatures"]
SHAPE = {"rows": 2000, "test_rows": 200, "classes": 5, "rate": 0.05, "seed": 1}


def scan(made: CompanySet, out: Path, *more: str) -> int:
    model = [
        *("--model", f"{NET}:CompanyNet", "--weights", str(made.folder.parent / "clean.safetensors")),
        *("--arguments", json.dumps({"classes": len(made.class_names), "width": 24}), "--budget", "quick"),
    ]
    if (made.folder / "net.py").exists():  # the tutorial's set
        model = [
            "--model",
            f"{made.folder}/net.py:SmallNet",
            "--weights",
            f"{made.folder}/weights.safetensors",
        ]
    return run([
        *("scan", str(made.folder), "--out", str(out), "--image-size", "32"),
        *model,
        *("--mean", "0.5,0.5,0.5", "--deviation", "0.25,0.25,0.25", *more),
    ])  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of pytest-xdist share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "company"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def sets(shared: Path, tutorial: Tutorial, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CompanySet]:
    """The tutorial's set, poisoned with a sticker, and a clean set with its own network's weights."""
    known = shared / "sets.json"
    with FileLock(shared / "lock"):
        if not known.exists():
            clean = company.make_set(shared / "clean", attack=None, **SHAPE)
            company_net.train_company_net(
                clean.folder, clean.class_names, shared / "clean.safetensors", epochs=16
            )
            known.write_text(json.dumps(clean.class_names))
    photos = tutorial.folder / "photos"
    names = tuple(sorted(path.name for path in (photos / "train").iterdir()))
    poisoned = write_tutorial(tmp_path_factory.mktemp("photos"))
    return {
        "poisoned": CompanySet(photos, names, poisoned, ("bird",)),
        "clean": CompanySet(shared / "clean", tuple(json.loads(known.read_text())), [], ()),
    }


@pytest.fixture(scope="module")
def scanned(sets: dict[str, CompanySet], shared: Path, tutorial: Tutorial) -> dict[str, Path]:
    """The folder of a scan of each set. Workers share the folders: tests must not write there."""
    known = shared / "code.json"
    with FileLock(shared / "lock"):
        if not known.exists():
            known.write_text(json.dumps(scan(sets["clean"], shared / "scanned")))
    assert json.loads(known.read_text()) == 0
    return {"poisoned": tutorial.folder / "scanned", "clean": shared / "scanned"}


@pytest.fixture
def again(scanned: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the poisoned set's scan that a test may change."""
    return Path(shutil.copytree(scanned["poisoned"], tmp_path / "again"))


def lines(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def told(folder: Path) -> dict:
    return json.loads((folder / "scan.json").read_text())


def test_the_poisoned_set_is_found_out(scanned: dict[str, Path], sets: dict[str, CompanySet]) -> None:
    folder = scanned["poisoned"]
    summary = told(folder)
    assert (summary["verdict"], tuple(summary["classes"])) == ("poisoned", sets["poisoned"].targets)
    removed = {line["path"] for line in lines(folder / "suspicious.csv") if line["action"] == "remove"}
    hits = len(removed & set(sets["poisoned"].poisoned))
    assert summary["suspicious"] == len(removed)
    assert hits >= 0.9 * len(removed)
    assert hits >= 0.8 * len(sets["poisoned"].poisoned)


def test_the_clean_twin_is_no_evidence(scanned: dict[str, Path]) -> None:
    folder = scanned["clean"]
    assert told(folder)["verdict"] == "no_evidence"
    assert not lines(folder / "removed.csv")
    assert not [line for line in lines(folder / "suspicious.csv") if line["action"] == "remove"]


@pytest.mark.parametrize("name", ["poisoned", "clean"])
def test_the_files_have_the_promised_names_and_columns(
    scanned: dict[str, Path], sets: dict[str, CompanySet], name: str
) -> None:
    folder = scanned[name]
    assert {path.name for path in folder.iterdir()} == {
        *("report.html", "suspicious.csv", "clean.csv", "removed.csv", "scan.json", "run", ".snakemake"),
    }
    assert {"verdict", "classes", "suspicious", "false_alarm_rates"} <= set(told(folder))
    assert set(told(folder)["false_alarm_rates"]) == set(DETECTORS)
    header = (folder / "suspicious.csv").read_text().splitlines()[0]
    assert header.startswith("path,given_label,score,votes,action")
    clean, removed = (
        [line["path"] for line in lines(folder / f"{kind}.csv")] for kind in ("clean", "removed")
    )
    data = sets[name].folder
    assert sorted(clean + removed) == sorted(str(path.relative_to(data)) for path in data.glob("train/*/*"))
    assert told(folder)["sentence"] in (folder / "report.html").read_text()


def made_in(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (folder / "run" / "data").rglob("*") if path.is_file()}


def test_a_second_run_makes_nothing_and_a_further_detector_only_its_scores(
    again: Path, sets: dict[str, CompanySet], capfd: pytest.CaptureFixture
) -> None:
    folder = again
    before, sentence = made_in(folder), told(folder)["sentence"]
    assert scan(sets["poisoned"], folder) == 3
    assert sentence in capfd.readouterr().out
    assert made_in(folder) == before
    assert scan(sets["poisoned"], folder, "--detectors", "spectral_signatures,neighbour_disagreement") == 3
    after = made_in(folder)
    assert {path.name for path in set(after) - set(before)} == {
        *("neighbour_disagreement.parquet", "neighbour_disagreement.run.json"),
    }
    assert {path: after[path] for path in before} == before
    assert set(told(folder)["false_alarm_rates"]) == {
        *("left_out", "spectral_signatures", "neighbour_disagreement"),
    }
    assert told(folder)["sentence"] == sentence


def test_the_exit_code_can_be_chosen(again: Path, sets: dict[str, CompanySet]) -> None:
    before = made_in(again)
    assert scan(sets["poisoned"], again, "--fail", "never") == 0
    assert made_in(again).keys() == before.keys()


def error_of(capfd: pytest.CaptureFixture, *words: str) -> str:
    assert run(["scan", *words]) == 1
    said = capfd.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1
    return said


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("cat", "dog"):
        (tmp_path / "photos" / "train" / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(
                tmp_path / "photos" / "train" / name / f"{number}.png"
            )
    return tmp_path / "photos"


def test_an_unknown_detector_is_one_line(photos: Path, capfd: pytest.CaptureFixture) -> None:
    out = photos.parent / "out"
    said = error_of(capfd, str(photos), "--out", str(out), "--detectors", "specral")
    assert "unknown detector 'specral'" in said and "spectral_signatures" in said
    assert not out.exists()


def test_results_inside_of_the_data_are_refused(photos: Path, capfd: pytest.CaptureFixture) -> None:
    assert "inside of the data" in error_of(capfd, str(photos), "--out", str(photos / "train" / "out"))
    assert sorted(path.name for path in (photos / "train").iterdir()) == ["cat", "dog"]


def test_files_of_others_are_not_overwritten(photos: Path, capfd: pytest.CaptureFixture) -> None:
    out = photos.parent / "out"
    out.mkdir()
    (out / "clean.csv").write_text("mine")
    assert "unpoison did not write" in error_of(capfd, str(photos), "--out", str(out))
    assert [path.name for path in out.iterdir()] == ["clean.csv"]
    assert (out / "clean.csv").read_text() == "mine"


def test_a_folder_without_images_or_with_one_class_is_one_line(
    photos: Path, capfd: pytest.CaptureFixture
) -> None:
    out = photos.parent / "out"
    shutil.rmtree(photos / "train" / "dog")
    assert "class" in error_of(capfd, str(photos), "--out", str(out))
    shutil.rmtree(photos / "train" / "cat")
    error_of(capfd, str(photos), "--out", str(out))
    assert not out.exists()
