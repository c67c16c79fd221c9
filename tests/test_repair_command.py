"""`unpoison repair` and `unpoison verify`: the list of flagged rows, the config, and the output files."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from unpoison.command.flagged import read_flagged, write_flagged
from unpoison.command.outputs import write_config
from unpoison.command.repair import repair, told
from unpoison.command.repairing import check_place, entries_of_repair, method_of
from unpoison.errors import UserError
from unpoison.row_lists import read_row_ids
from unpoison.study.plan import Plan

HOSTILE = [
    "train/cat/a,b.png",
    'train/cat/"q".png',
    "train/cat/=1+1.png",
    "=1+1.png",
    "train/cat/ä.png",
    "train/cat/a\nb.png",
]


def written(folder: Path, text: str) -> str:
    (folder / "list.csv").write_text(text, encoding="utf-8")
    return str(folder / "list.csv")


def test_only_rows_marked_remove_are_flagged(tmp_path: Path) -> None:
    text = "path,given_label,action\na.png,cat,remove\nb.png,cat,look\nc.png,dog,keep\na.png,cat,remove\n"
    assert read_flagged(written(tmp_path, text)) == ["a.png"]


def test_without_a_column_action_every_row_is_flagged(tmp_path: Path) -> None:
    assert read_flagged(written(tmp_path, "row_id\n007\nb\n")) == ["007", "b"]


def test_hostile_names_survive(tmp_path: Path) -> None:
    with (tmp_path / "given.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path"], *([name] for name in HOSTILE)])
    assert read_flagged(str(tmp_path / "given.csv")) == HOSTILE
    write_flagged(tmp_path / "flagged.csv", HOSTILE)
    assert read_row_ids(tmp_path / "flagged.csv") == HOSTILE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has the columns \\(none\\)"),
        ("name\na\n", "has the columns name; allowed"),
        ("path,row_id\na,b\n", "allowed: one column"),
        ("path\n", "holds no row"),
        ("path,action\na,look\n", "1 rows, none with the action remove"),
        ("path,score\n,1\n", "a row without a path"),
    ],
)
def test_a_bad_list_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        read_flagged(written(tmp_path, text))
    assert "\n" not in str(error.value)


def test_a_list_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a readable CSV file"):
        read_flagged(str(tmp_path / "none.csv"))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [("salun", "{", "is no JSON"), ("salun", "[1]", "a JSON object"), ("auto", "{}", "with method auto")],
)
def test_bad_options_are_one_line(name: str, options: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        method_of(name, options)


def test_files_of_others_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "repair.json").write_text("mine")
    with pytest.raises(UserError, match="unpoison did not write"):
        check_place(tmp_path, "photos", "list.csv")
    scan = tmp_path / "scan"
    (scan / "run").mkdir(parents=True)
    for name in ("scan.json", "run/config.yaml"):
        (scan / name).write_text("{}")
    with pytest.raises(UserError, match="results of a scan"):
        check_place(scan, "photos", "list.csv")


def test_a_folder_inside_of_the_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="inside of the data"):
        check_place(tmp_path / "train" / "out", str(tmp_path), "list.csv")


# -- a whole repair, with the workflow ---------------------------------------------------------------------


def images(folder: Path) -> None:
    """Write two classes of coloured squares, 30 rows each; six of the first have the second's label."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 30), ("test", 6)):
        for label, name in enumerate(("cat", "dog")):
            (folder / split / name).mkdir(parents=True)
            for place in range(count):
                colour = label if place >= 6 or split == "test" or name == "cat" else 0
                pixels = rng.integers(0, 90, (16, 16, 3)).astype(np.uint8)
                pixels[..., colour] += 120
                Image.fromarray(pixels).save(folder / split / name / f"{place:03}.png")


def entries_of(data: str, **_: object) -> dict:
    """Return a config fragment in the form of `unpoison.command.given`, for the smallest network."""
    return {
        "data_folder": data,
        "sources": {"data": {"source": "image_folder", "path": ".", "image_size": 16}},
        "datasets": {"data": {"source": "data"}},
        "poisons": {"as_found": {}},
        "recipes": {"fit": {"epochs": 2, "batch_size": 16, "learning_rate": 0.05}},
        "trainings": {"model": {"model": "resnet9", "width": 2, "recipe": "fit"}},
    }


def test_the_config_is_a_plan_of_one_repair(tmp_path: Path) -> None:
    images(tmp_path / "photos")
    rows = [f"train/dog/{place:03}.png" for place in range(6)]
    asked = entries_of_repair(
        method_of("finetune", '{"length": 0.5}'), rows, tmp_path / "out", seed=3, folds=2
    )
    file = write_config(tmp_path / "out", {**entries_of(str(tmp_path / "photos")), **asked})
    plan = Plan(yaml.safe_load(file.read_text()))
    cell = plan.repairs["repair"].cell
    assert (cell.seed, plan.folds[cell], plan.methods["repair"].options["length"]) == (3, 2, 0.5)


def test_repair_writes_the_model_the_summary_and_the_rows_to_train_on(tmp_path, monkeypatch, capsys) -> None:
    def run_workflow(config: Path, targets: list[str], **_: object) -> bool:
        snakefile = Path(__file__).parents[1] / "workflow" / "Snakefile"
        command = [sys.executable, "-m", "snakemake", "-s", str(snakefile), "--configfile", str(config)]
        done = subprocess.run([*command, "--cores", "1", *targets], check=False)
        return done.returncode == 0

    monkeypatch.setattr("unpoison.command.given.entries_of", entries_of)
    monkeypatch.setattr("unpoison.command.running.run_workflow", run_workflow)
    images(tmp_path / "photos")
    flagged = written(tmp_path, "path\n" + "".join(f"train/dog/{place:03}.png\n" for place in range(6)))
    out = tmp_path / "out"
    assert repair(str(tmp_path / "photos"), flagged=flagged, out=out, method="finetune", folds=2) == 0
    summary = json.loads((out / "repair.json").read_text())
    assert summary["flagged"] == 6
    assert len((out / "clean.csv").read_text().splitlines()) == 1 + 60 - 6
    assert (out / "repaired.safetensors").stat().st_size > 1000
    assert "clean accuracy" in capsys.readouterr().out
    assert told(summary, out)[-1].endswith("report.html")
    page = (out / "report.html").read_text()
    assert page.count("<img") == 6  # the flagged rows
    assert "Clean accuracy by class" in page
