"""Command arguments become config entries that a study can be planned from."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from unpoison.command.given import entries_of
from unpoison.errors import UserError
from unpoison.study.plan import Plan

RNG = np.random.default_rng(0)
NETWORK = """
from torch import nn

class Small(nn.Sequential):
    def __init__(self, width=2):
        super().__init__(nn.Conv2d(3, width, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 2))
"""


def picture(path: Path, size: tuple[int, int] = (20, 20)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)
    return path


def write(root: Path, *splits: str, size: tuple[int, int] = (20, 20)) -> Path:
    for split in splits:
        for name in ("cat", "dog"):
            for number in range(3):
                picture(root / split / name / f"{number}.png", size)
    return root


def planned(entries: dict[str, Any], root: Path) -> Plan:
    """Return the plan of the smallest study with these entries."""
    study = {
        "dataset": "data",
        "poison": "as_found",
        "training": "model",
        "deletions": ["some"],
        "methods": ["retrain"],
        "seeds": 1,
    }
    (root / "some.csv").write_text("row_id\nx\n")
    return Plan(
        {
            "results_folder": str(root / "results"),
            **entries,
            "deletions": {"some": {"rows": str(root / "some.csv")}},
            "methods": {"retrain": {}},
            "studies": {"study": study},
        }
    )


def forms(root: Path) -> dict[str, str]:
    """Write the same data in each form that a command accepts, and return the argument of each."""
    write(root / "whole", "train", "test")
    write(root / "held_out", "train", "val")
    write(root, "classes")
    paths = sorted((root / "classes").rglob("*.png"))
    lines = [f"{path.relative_to(root)},{path.parent.name}" for path in paths]
    (root / "list.csv").write_text("\n".join(["path,label", *lines]))
    images = [{"bytes": path.read_bytes(), "path": path.name} for path in paths]
    table = pa.table({"image": images, "label": [path.parent.name for path in paths]})
    pq.write_table(table, root / "part-0.parquet")
    arrays = np.stack([np.asarray(Image.open(path)) for path in paths])
    np.savez(root / "arrays.npz", images=arrays, labels=np.repeat([0, 1], 3))
    return {
        "image_folder": "whole",
        "image_folder with val": "held_out",
        "class_folders": "classes",
        "image_list": "list.csv",
        "parquet": "part-*.parquet",
        "npz": "arrays.npz",
    }


@pytest.mark.parametrize(
    "form", ["image_folder", "image_folder with val", "class_folders", "image_list", "parquet", "npz"]
)
def test_every_form_of_data_becomes_a_plan_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    data = forms(tmp_path)[form]
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    entries = entries_of(data, tell=said.append)
    monkeypatch.chdir("/")
    plan = planned(json.loads(json.dumps(entries)), tmp_path)
    source = plan.sources["data"]
    assert (source.kind, source.image_size) == (form.split(maxsplit=1)[0], 20)
    assert plan.counts.peek(source).counts == ({"0": 3, "1": 3} if form == "npz" else {"cat": 3, "dog": 3})
    assert bool(sum(plan.counts.peek(source).tests.values())) == form.startswith("image_folder")
    assert said == []
    assert set(entries) == {
        "data_folder", "device", "sources", "datasets", "poisons", "recipes", "trainings"
    }  # fmt: skip


def test_row_ids_of_folders_are_paths_below_the_data(tmp_path: Path) -> None:
    from unpoison.datasets import load_source

    for data in ("whole", "held_out", "classes"):
        forms(tmp_path)
        entry = entries_of(str(tmp_path / data))["sources"]["data"]
        options = {name: value for name, value in entry.items() if name in ("path", "test")}
        _, rows = load_source(entry["source"], Path(), 16, options)
        for row_id in rows.of("train").row_id:
            assert (tmp_path / data / row_id).is_file()


def test_further_images_are_of_the_kind_of_the_data(tmp_path: Path) -> None:
    write(tmp_path, "data", "clean", "stamped", "held_out")
    further = {name: str(tmp_path / name) for name in ("clean", "stamped", "held_out")}
    entries = entries_of(
        str(tmp_path / "data"),
        test=further["held_out"],
        trusted=further["clean"],
        triggered=further["stamped"],
        target="dog",
    )
    plan = planned(entries, tmp_path)
    peek = plan.counts.peek(plan.sources["data"])
    assert (peek.tests, peek.trusted, peek.triggered) == ({"cat": 3, "dog": 3},) * 3
    assert entries["poisons"] == {"as_found": {"target": "dog"}}
    (tmp_path / "clean.csv").write_text("path,label\n")
    with pytest.raises(UserError, match=r"trusted: found .*clean\.csv, allowed: a folder of class folders"):
        entries_of(str(tmp_path / "data"), trusted=str(tmp_path / "clean.csv"))


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((20, 20), 20),
        ((28, 28), 28),
        ((30, 40), 32),
        ((60, 70), 64),
        ((500, 400), 224),
        ((500, 500), 224),
        ((8, 8), 32),
    ],
)
def test_a_size_is_chosen_by_the_images_and_said(tmp_path: Path, size: tuple[int, int], wanted: int) -> None:
    write(tmp_path, "train", size=size)
    said: list[str] = []
    entries = entries_of(str(tmp_path), tell=said.append)
    assert entries["sources"]["data"]["image_size"] == wanted
    assert bool(said) == (size != (wanted, wanted))
    assert all(f"{wanted} x {wanted} pixels" in sentence for sentence in said)


def test_a_network_of_the_users_is_named_by_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "train")
    (tmp_path / "net.py").write_text(NETWORK)
    (tmp_path / "weights.pt").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    entries = entries_of(
        ".",
        model="net.py:Small",
        arguments='{"width": 3}',
        weights="weights.pt",
        mean="0.5,0.5, 0.5",
        deviation="0.2,0.2,0.2",
        image_size=32,
        resize="crop",
        threads=2,
        device="cpu",
    )
    monkeypatch.chdir("/")
    training = planned(entries, tmp_path).trainings["model"]
    assert training.options == {"python": f"{tmp_path}/net.py:Small", "arguments": {"width": 3}}
    assert training.weights == tmp_path / "weights.pt"
    assert (training.mean, training.deviation) == ([0.5] * 3, [0.2] * 3)
    assert (entries["threads"], entries["device"]) == (2, "cpu")


@pytest.mark.parametrize("model", ["resnet9", "wide_resnet"])
def test_a_shipped_network_is_named_with_its_options(tmp_path: Path, model: str) -> None:
    write(tmp_path, "train")
    (tmp_path / "weights.pt").write_bytes(b"x")
    arguments = '{"width": 3}'
    entries = entries_of(
        str(tmp_path), model=model, arguments=arguments, weights=str(tmp_path / "weights.pt")
    )
    training = planned(entries, tmp_path).trainings["model"]
    assert (training.model, training.options["width"]) == (model, 3)
    assert training.weights == tmp_path / "weights.pt"
    (recipe,) = entries["recipes"].values()
    assert "adam_rate" not in recipe


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "nothing there": ({"data": "nowhere"}, "no such folder, file or glob: .*nowhere"),
    "an empty path": ({"data": ""}, "data: found the path '', allowed: printable text"),
    "a path with a newline": ({"data": "a\nb"}, r"data: found the path 'a\\nb'"),
    "a path that is not UTF-8": ({"data": os.fsdecode(b"\xff")}, "allowed: printable text in UTF-8"),
    "one class": ({"data": "one"}, "found the class cat alone, allowed: two classes or more"),
    "an empty folder": ({"data": "empty"}, "no images in .*empty"),
    "no array": ({"data": "bad.npz"}, r"bad\.npz is not a readable \.npz file"),
    "another kind": ({"data": "net.py"}, r"path: found .*net.py, allowed: a folder, Parquet files"),
    "a mean of 255": ({"mean": "125,123,114"}, "mean: found '125,123,114', .*divide those of a scale of 255"),
    "two means": ({"mean": "0.5,0.5"}, "mean: found '0.5,0.5', allowed: three numbers"),
    "a deviation of 0": ({"deviation": "0,0,0"}, "deviation: found '0,0,0', allowed: .*above 0, to 1"),
    "a mean that is none": ({"mean": "nan,0,0"}, "mean: found 'nan,0,0'"),
    "no JSON": ({"arguments": "{width: 3}"}, "arguments: found '{width: 3}', which is no JSON"),
    "a list": ({"arguments": "[3]"}, r"arguments: found '\[3\]', allowed: names with values"),
    "no class": ({"model": "net.py:Large"}, "model: found .*net.py has no class or function 'Large'"),
    "no file of code": ({"model": "none.py:Small"}, "model: found .*there is no file .*none.py"),
    "no name": (
        {"model": "net.py"},
        "model: found 'net.py', allowed: file.py:Class, or a shipped network: .*resnet9",
    ),
    "an option that a shipped network has not": (
        {"model": "resnet9", "arguments": '{"widht": 8}'},
        "unknown option in model: 'widht'.*width",
    ),
    "an option out of range": (
        {"model": "resnet9", "arguments": '{"width": 0}'},
        "model.width: found 0, allowed: an integer above 0",
    ),
    "no weights": ({"weights": "none.pt"}, r"no such file: .*none\.pt"),
    "a large size": ({"image_size": 512}, "image_size: found 512, allowed: an integer from 16 to 224"),
    "a way to resize": ({"resize": "squash"}, "unknown resize 'squash'; choose from crop, pad, stretch"),
    "a device": ({"device": "gpu"}, "unknown device 'gpu'; choose from auto, cpu, cuda"),
    "a target alone": ({"target": "cat"}, "target: found 'cat' without triggered images"),
    "a target class": ({"target": "cow", "triggered": "one"}, "unknown target class 'cow'"),
    "test images": ({"test": "nowhere"}, "test: found .*nowhere, allowed: a folder of class folders"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    changed, sentence = BAD[case]
    write(tmp_path, "data")
    picture(tmp_path / "one/cat/0.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.npz").write_bytes(b"PK")
    (tmp_path / "net.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    given = {"data": "data", "model": "net.py:Small", **changed}
    with pytest.raises(UserError, match=sentence) as caught:
        entries_of(given.pop("data"), **given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("option", ["arguments", "weights"])
def test_what_belongs_to_a_model_is_refused_without_one(tmp_path: Path, option: str) -> None:
    (tmp_path / "weights.pt").write_bytes(b"x")
    write(tmp_path, "train")
    with pytest.raises(UserError, match=f"{option}: found .* without a model"):
        entries_of(str(tmp_path), **{option: str(tmp_path / "weights.pt")})
