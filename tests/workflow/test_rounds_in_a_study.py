"""A bisected study, round by round: plain Snakemake runs one round, and `unpoison run` runs all rounds."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.workflow.conftest import Project, run_once

STUDY = """
results_folder: results
sources:
  generated: {train_per_class: 150, test_per_class: 50, image_size: 16}
datasets:
  pair: {source: generated, classes: [cat, ship]}
poisons:
  patch: {count: 60, target: ship}
recipes:
  quick: # trains in every seed on any processor
    {iterations: 150, batch_size: 32, learning_rate: 0.1, filter_rate: 0.6, warmup: 0.2, decay_span: 1.0,
     crop_padding: 2, label_smoothing: 0.1}
trainings:
  resnet9: {width: 4, recipe: quick}
deletions:
  found: {recall: 1.0}
methods:
  retrain: {}
studies:
  thresholds:
    dataset: pair
    poison: patch
    training: resnet9
    vary: {deletion.recall: {bisect: [0.2, 1.0], steps: 2}}
    deletions: [found]
    methods: [retrain]
    seeds: 2
"""


def command(project: Project, *words: str) -> str:
    """Run the command to its end, and return its output."""
    done = subprocess.run(
        [sys.executable, "-m", "unpoison", *words],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def bisected(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A study: the first round by Snakemake (log `first.txt`), the others by the command (`others.txt`)."""

    def prepare(making: Project) -> None:
        (making.folder / "tiny.yaml").write_text(STUDY)
        done = making.snakemake()
        assert done.returncode == 0, done.stdout + done.stderr
        (making.folder / "first.txt").write_text(done.stderr)
        (making.folder / "others.txt").write_text(command(making, "run", "tiny.yaml"))

    return run_once(tmp_path_factory, "bisected", prepare)


def test_snakemake_runs_one_round_and_says_so(bisected: Project) -> None:
    said = (bisected.folder / "first.txt").read_text()
    assert re.search(r"This run was one round of thresholds: [12] further cells? (is|are) wanted", said)
    assert "run` goes on by itself" in said


def test_the_command_goes_on_to_the_end_and_then_nothing_is_left(bisected: Project) -> None:
    assert "Done. Tables:" in (bisected.folder / "others.txt").read_text()
    decided = pd.read_parquet(bisected.folder / "results/tables/decisions.parquet")
    assert set(decided["state"]) <= {"done", "no outcome"} and "done" in set(decided["state"])
    assert bisected.jobs() == {}
    assert "100% done" in command(bisected, "status", "tiny.yaml")


def test_each_seed_takes_one_model_a_step_and_counts_at_every_recall(bisected: Project) -> None:
    tables = bisected.folder / "results/tables"
    # A seed whose attack failed ends with its first model. On another processor this can be another seed.
    decided = pd.read_parquet(tables / "decisions.parquet").set_index("seed")
    ended = decided["state"] == "done"
    results = pd.read_parquet(tables / "results.parquet")
    models = results[results["method"] == "retrain"].groupby("seed")["deletion"].unique()
    assert models.map(len).to_dict() == ended.map({True: 2, False: 1}).to_dict()
    assert all("found@recall=0.6" in of_seed for of_seed in models)
    healed = pd.read_parquet(tables / "healed.parquet").set_index("deletion.recall")
    assert healed.loc[[0.4, 0.6, 0.8], "n"].tolist() == [ended.sum()] * 3
    assert healed["implied"].sum() == ended.sum()


def test_lost_decisions_are_made_again_without_a_training(bisected: Project, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    shutil.copytree(bisected.folder, project.folder, symlinks=True)
    decisions = project.folder / "results/tables/decisions.parquet"
    before = pd.read_parquet(decisions)
    (project.folder / "results/decisions/thresholds.json").unlink()
    assert not {"unlearn", "train_base", "train_oracle"} & set(project.jobs())
    for _ in range(2):  # two rounds
        project.snakemake("decisions")
    assert pd.read_parquet(decisions).equals(before)


def test_a_method_that_is_added_is_bisected_and_the_other_keeps_its_models(
    bisected: Project, tmp_path: Path
) -> None:
    project = Project(tmp_path / "project")
    shutil.copytree(bisected.folder, project.folder, symlinks=True)
    project.set("methods/finetune", {})
    project.set("studies/thresholds/methods", ["retrain", "finetune"])
    jobs = project.jobs()
    assert jobs["unlearn"] == 2 and "train_base" not in jobs
