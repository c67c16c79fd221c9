"""Sources in the plan: read once, usable without a test split, and at any path."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from unpoison.errors import UserError
from unpoison.study import peeks
from unpoison.study.plan import Plan

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load(
    """
    results_folder: results
    device: cpu
    sources: {pets: {source: image_folder, image_size: 16}}
    datasets: {pets: {source: pets}}
    poisons: {patch: {target: cat, count: 2}}
    recipes: {quick: {iterations: 2, batch_size: 8, learning_rate: 0.01}}
    trainings: {resnet9: {width: 2, recipe: quick}}
    deletions: {everything_found: {recall: 1.0}}
    methods: {finetune: {}}
    studies:
      repair:
        {dataset: pets, poison: patch, training: resnet9, deletions: [everything_found], methods: [finetune], seeds: 1}
    """
)


def write_images(root: Path, *splits: str) -> None:
    for split in splits:
        for name, grey in (("cat", 10), ("dog", 200)):
            (root / split / name).mkdir(parents=True)
            for place in range(6):
                Image.new("RGB", (16, 16), (grey + place, 0, 0)).save(root / split / name / f"{place}.png")


def snakemake(folder: Path, config: dict[str, Any], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in the given folder."""
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2"]
    return subprocess.run(
        [*command, *arguments, "--configfile", "config.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


# -- without a test split ---------------------------------------------------------------------------


def test_without_a_test_split_all_is_measured_that_needs_none(tmp_path: Path) -> None:
    write_images(tmp_path / "data", "train")
    assert snakemake(tmp_path, CONFIG, "-n").returncode == 0
    metrics = "results/pets/seed0/patch/resnet9/metrics.parquet"
    done = snakemake(tmp_path, CONFIG, metrics)
    assert done.returncode == 0, done.stderr
    shares = pd.read_parquet(tmp_path / metrics).query("unit == 'share'")
    accuracies = {"corrected_accuracy", "retained_accuracy", "given_label_agreement"}
    assert set(shares["metric"]) == {*accuracies, "weights_changed"}
    assert "there is no folder test/" in (tmp_path / "results/logs/sources/pets.log").read_text()


def test_a_class_without_a_test_image_is_named(tmp_path: Path) -> None:
    write_images(tmp_path / "data", "train", "test")
    shutil.rmtree(tmp_path / "data/test/dog")
    done = snakemake(tmp_path, CONFIG, "-n")
    assert "error: dataset 'pets': found no test image of dog, needed" in done.stderr


def test_a_detector_that_is_shown_triggers_needs_test_images(tmp_path: Path) -> None:
    write_images(tmp_path / "data", "train")
    detectors = {"influence": {"triggered_examples": 1}, "loss": {}}
    config = {
        **CONFIG,
        "detectors": detectors,
        "datasets": {"pets": {"source": "pets", "validation": 4}},
        "deletions": {"found": {"detector": "loss", "top": 0.5}},
    }
    config["studies"] = {"repair": {**CONFIG["studies"]["repair"], "deletions": ["found"]}}
    scores = "results/pets/seed0/patch/resnet9/scores"
    assert snakemake(tmp_path, config, "-n", f"{scores}/loss.parquet").returncode == 0
    done = snakemake(tmp_path, config, "-n", f"{scores}/influence.parquet")
    assert (
        "detectors.influence takes the trigger of each class from its test images; found none of cat"
        in done.stderr
    )


def test_a_class_with_a_name_and_no_training_image_is_named(tmp_path: Path) -> None:
    labels = pa.array(["cat", "dog"])
    for split in ("train", "test"):
        pq.write_table(pa.table({"image": [b"x", b"y"], "label": labels}), tmp_path / f"{split}.parquet")
    source = {
        "source": "parquet",
        "train": "train.parquet",
        "test": "test.parquet",
        "class_names": ["cat", "cow", "dog"],
    }
    config = {**CONFIG, "data_folder": str(tmp_path), "sources": {"pets": {"image_size": 16, **source}}}
    sentence = (
        "found classes that have a name and no training image: cow; list in classes those to use: cat, dog"
    )
    with pytest.raises(UserError, match=sentence):
        Plan(config)


# -- braces, blanks and quotes ----------------------------------------------------------------------


def test_data_may_lie_in_a_folder_of_any_name(tmp_path: Path) -> None:
    folder = tmp_path / 'a{b}c {seed} <results> it\'s "q" [x], y=1, *'
    write_images(folder, "train", "test")
    for split in ("train", "test"):
        files = sorted((folder / split).glob("*/*.png"))
        table = {
            "image": [file.read_bytes() for file in files],
            "label": [file.parent.name for file in files],
        }
        pq.write_table(pa.table(table), folder / f"{split}.parquet")
    source = {
        "source": "parquet",
        "train": "train*.parquet",
        "test": f"{folder}/test.parquet",
        "image_size": 16,
    }
    config = {**CONFIG, "data_folder": str(folder), "sources": {"pets": source}}
    assert snakemake(tmp_path, config, "results/sources/pets/rows.parquet").returncode == 0
    rows = pd.read_parquet(tmp_path / "results/sources/pets/rows.parquet")
    flagged = rows[rows["split"] == "train"]["row_id"].iloc[:3]
    flagged.to_frame().to_csv(folder / "{flagged}.csv", index=False)
    config["deletions"] = {"everything_found": {"rows": "{flagged}.csv"}}
    deletion = "results/pets/seed0/patch/resnet9/everything_found/deletion.parquet"
    done = snakemake(tmp_path, config, deletion)
    assert done.returncode == 0, done.stderr
    assert sorted(pd.read_parquet(tmp_path / deletion)["row_id"]) == sorted(flagged)


# -- read once --------------------------------------------------------------------------------------


@pytest.fixture
def parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that peeks at a Parquet source after a Snakemake run; `looks` lists those that open files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").mkdir()
    looks: list[str] = []
    real = peeks.peek_source
    monkeypatch.setattr(peeks, "peek_source", lambda *given: (looks.append("look"), real(*given))[1])
    options = {
        "train": "train*.parquet",
        "test": None,
        "image_column": None,
        "label_column": None,
        "class_names": None,
    }

    def look() -> tuple[dict[str, int], int]:
        found = peeks.peek("parquet", tmp_path, options)
        return found.counts, len(looks)

    return look


def write_labels(path: Path, *labels: str) -> None:
    pq.write_table(pa.table({"image": [b"x"] * len(labels), "label": list(labels)}), path)


def test_a_file_that_has_not_changed_is_looked_at_once(tmp_path: Path, parquet: Any) -> None:
    write_labels(tmp_path / "train-0.parquet", "cat", "dog", "dog")
    assert [parquet() for _ in range(3)] == [({"cat": 1, "dog": 2}, 1)] * 3


def test_a_changed_an_older_and_a_further_file_are_looked_at(tmp_path: Path, parquet: Any) -> None:
    write_labels(tmp_path / "train-0.parquet", "cat", "dog", "dog")
    parquet()
    write_labels(tmp_path / "train-0.parquet", "cat", "cat", "dog")
    assert parquet() == ({"cat": 2, "dog": 1}, 2)
    write_labels(tmp_path / "older", "dog", "cat", "dog")
    os.utime(tmp_path / "older", (1, 1))
    (tmp_path / "older").replace(tmp_path / "train-0.parquet")  # same size
    assert parquet() == ({"cat": 1, "dog": 2}, 3)
    write_labels(tmp_path / "train-1.parquet", "cow")
    assert parquet() == ({"cat": 1, "cow": 1, "dog": 2}, 4)


def test_a_damaged_note_of_earlier_looks_costs_one_look(tmp_path: Path, parquet: Any) -> None:
    write_labels(tmp_path / "train-0.parquet", "cat", "dog")
    parquet()
    peeks.KEPT.write_text("{")
    assert [parquet()[1] for _ in range(2)] == [2, 2]
