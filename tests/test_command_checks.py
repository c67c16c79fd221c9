"""Input that a command refuses before Snakemake starts: lists, networks and weights that do not fit the data."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch import nn

from unpoison.command.checks import check_flagged, check_network
from unpoison.command.given import entries_of
from unpoison.command.main import run
from unpoison.errors import UserError

CLASSES, ROWS = ("cat", "dog"), 6  # rows of each class
NETWORK = """
import sys
from torch import nn

class Net(nn.Sequential):
    def __init__(self, classes=2):
        super().__init__(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, classes))

class Named(Net):
    def __init__(self):
        print("built")
        super().__init__()

def ends():
    sys.exit(4)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with images in `photos/train/<class>` and a network in net.py. Snakemake must not start."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in CLASSES:
        (tmp_path / "photos" / "train" / name).mkdir(parents=True)
        for number in range(ROWS):
            pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / "train" / name / f"{number}.png")
    (tmp_path / "net.py").write_text(NETWORK)

    def started(*_: object, **__: object) -> bool:
        raise AssertionError("Snakemake started")

    monkeypatch.setattr("unpoison.command.running.run_workflow", started)
    return tmp_path


def state(classes: int = 2) -> dict[str, torch.Tensor]:
    """Return weights of the network for a number of classes."""
    return nn.Sequential(
        nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, classes)
    ).state_dict()


def flag(*row_ids: str) -> list[str]:
    """Write a list of rows, and return the arguments that name it."""
    Path("list.csv").write_text("\n".join(["path", *row_ids]))
    return ["--flagged", "list.csv"]


def error_of(capsys: pytest.CaptureFixture, *words: str) -> str:
    """Run a command that must end with one line and must write nothing, and return the line."""
    assert run([*words, "--out", "out"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1, said
    assert not Path("out").exists()
    return said


CATS = [f"train/cat/{number}.png" for number in range(ROWS)]
DOGS = [f"train/dog/{number}.png" for number in range(ROWS)]
LISTS = {
    "other names": (
        ["cat/0.png", *CATS],
        "1 of 7 flagged rows are not training rows .*'cat/0.png'; .*'train/cat",
    ),
    "all rows": (CATS + DOGS, "holds all 12 training rows"),
    "too few rows": (CATS[:4], "a flagged row for each of its 5 folds; found 4"),
}


@pytest.mark.parametrize("command", ["repair", "verify"])
@pytest.mark.parametrize("case", LISTS)
def test_a_list_that_does_not_fit_the_data_starts_no_run(
    folder: Path, capsys: pytest.CaptureFixture, command: str, case: str
) -> None:
    row_ids, message = LISTS[case]
    assert re.search(message, error_of(capsys, command, "photos", *flag(*row_ids)))


def forms(folder: Path) -> dict[str, tuple[str, str]]:
    """Write the same data in each form, and return the argument of each and the id of a row."""
    paths = sorted((folder / "photos" / "train").rglob("*.png"))
    lines = [f"{path.relative_to(folder)},{path.parent.name}" for path in paths]
    (folder / "rows.csv").write_text("\n".join(["path,label", *lines]))
    images = [{"bytes": path.read_bytes(), "path": f"{path.parent.name}/{path.name}"} for path in paths]
    labels = [path.parent.name for path in paths]
    pq.write_table(pa.table({"image": images, "label": labels}), folder / "rows.parquet")
    arrays = np.stack([np.asarray(Image.open(path)) for path in paths])
    np.savez(folder / "rows.npz", images=arrays, labels=np.repeat([0, 1], ROWS))
    return {
        "image_folder": ("photos", "train/dog/0.png"),
        "class_folders": ("photos/train", "dog/0.png"),
        "image_list": ("rows.csv", "photos/train/dog/0.png"),
        "parquet": ("rows.parquet", "train/dog/0.png"),
        "npz": ("rows.npz", "train/0000006"),
    }


@pytest.mark.parametrize("form", ["image_folder", "class_folders", "image_list", "parquet", "npz"])
def test_the_rows_of_every_form_of_data_are_known_before_the_run(folder: Path, form: str) -> None:
    data, row_id = forms(folder)[form]
    entries = entries_of(data, image_size=16)
    with pytest.raises(UserError, match="found 1 flagged rows"):  # known, and too few for the folds
        check_flagged(entries, [row_id], seed=0, folds=2)
    with pytest.raises(UserError, match=r"1 of 2 flagged rows are not training rows .* 'none'"):
        check_flagged(entries, [row_id, "none"], seed=0, folds=2)


def test_test_images_are_no_training_rows(folder: Path) -> None:
    (folder / "photos" / "test" / "cat").mkdir(parents=True)
    (folder / "photos" / "train" / "cat" / "0.png").rename(folder / "photos" / "test" / "cat" / "0.png")
    entries = entries_of("photos", image_size=16)
    with pytest.raises(UserError, match=r"'test/cat/0\.png'"):
        check_flagged(entries, ["test/cat/0.png"], seed=0, folds=2)
    check_flagged(entries, CATS[1:], seed=0, folds=2)


def write_weights(kind: str) -> str:
    """Write a file of weights, and return its path."""
    weights = state(classes=10 if kind == "ten classes" else 2)
    match kind:
        case "a missing layer":
            weights.popitem()
        case "a pickled module":
            torch.save(nn.Linear(2, 2), "weights.pt")  # any module: it is refused before it is rebuilt
            return "weights.pt"
        case "text":
            Path("weights.pt").write_text("weights")
            return "weights.pt"
        case "a checkpoint with other keys":
            torch.save({"epoch": 3, "net": weights}, "weights.pt")
            return "weights.pt"
        case "a checkpoint":
            torch.save({"epoch": 3, "model": weights}, "weights.pt")
            return "weights.pt"
    torch.save(weights, "weights.pt")
    return "weights.pt"


WEIGHTS = {
    "a missing layer": "holds weights of another network than .*: 1 missing",
    "ten classes": r"has the shape \[10, 2\]; the network .* has \[2, 2\]",
    "a pickled module": "cannot be read as weights .*more than weights",
    "text": "cannot be read as weights",
    "a checkpoint with other keys": "holds no weights",
}


@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights_that_do_not_fit_start_no_scan(
    folder: Path, capsys: pytest.CaptureFixture, kind: str
) -> None:
    assert re.search(
        WEIGHTS[kind],
        error_of(capsys, "scan", "photos", "--model", "net.py:Net", "--weights", write_weights(kind)),
    )


@pytest.mark.parametrize("command", ["repair", "verify"])
def test_weights_that_do_not_fit_start_no_repair(
    folder: Path, capsys: pytest.CaptureFixture, command: str
) -> None:
    given = ["--model", "net.py:Net", "--weights", write_weights("a missing layer")]
    assert "weights of another network" in error_of(capsys, command, "photos", *flag(*CATS), *given)


ARGUMENTS = {
    "unknown": ('{"clases": 2}', "could not be built: TypeError: .*'clases'"),
    "other classes": (
        '{"classes": 3}',
        r"logits of the shape \(1, 3\), allowed: \(1, 2\), one for each class \(cat, dog\)",
    ),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments_that_do_not_fit_start_no_scan(
    folder: Path, capsys: pytest.CaptureFixture, case: str
) -> None:
    arguments, message = ARGUMENTS[case]
    assert re.search(
        message, error_of(capsys, "scan", "photos", "--model", "net.py:Net", "--arguments", arguments)
    )


def test_a_file_that_ends_python_is_one_line(folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert "net.py:ends ends Python (exit code 4)" in error_of(
        capsys, "scan", "photos", "--model", "net.py:ends"
    )


def test_an_unknown_layer_of_features_starts_no_scan(folder: Path, capsys: pytest.CaptureFixture) -> None:
    said = error_of(capsys, "scan", "photos", "--model", "net.py:Net", "--features", "head")
    assert "features: found 'head'" in said


def test_a_network_and_weights_that_fit_pass_without_output(
    folder: Path, capsys: pytest.CaptureFixture
) -> None:
    for weights in (None, write_weights("weights"), write_weights("a checkpoint")):
        check_network(entries_of("photos", model="net.py:Named", weights=weights, image_size=16))
    assert capsys.readouterr() == ("", "")


METHODS = {
    "a method": (["--method", "scurb"], "unknown unlearning method 'scurb'; .*did you mean 'scrub'"),
    "an option": (
        ["--method", "salun", "--options", json.dumps({"shere": 1})],
        "unknown option in .*'shere'",
    ),
}


@pytest.mark.parametrize("case", METHODS)
def test_a_wrong_method_writes_nothing(folder: Path, capsys: pytest.CaptureFixture, case: str) -> None:
    words, message = METHODS[case]
    assert re.search(message, error_of(capsys, "repair", "photos", *flag(*CATS), *words))
