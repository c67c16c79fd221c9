"""Fixtures: a copy of the project with a finished tiny study, and dry runs of changed copies."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

from benchmarks.study import copy_project
from docs import tutorial_run

ROOT = Path(__file__).parents[2]

TINY = """
results_folder: results
sources:
  generated: {train_per_class: 60, test_per_class: 10, image_size: 16}
datasets:
  pair: {source: generated, classes: [cat, dog], keep: {cat: 1.0, dog: 50}, validation: 0.1}
poisons:
  corner_swap: {count: 10, corners: {cat: bottom_right, dog: top_left}, share: {cat: 0.2}}
recipes:
  quick: {epochs: 1, batch_size: 32, learning_rate: 0.05, momentum: 0.5, warmup: 0.25, decay_span: 1.0}
trainings:
  resnet9: {width: 2, recipe: quick}
deletions:
  everything_found: {recall: 1.0}
methods:
  retrain: {}
  finetune: {length: 0.5, learning_rate: 0.25}
studies:
  imbalance:
    dataset: pair
    poison: corner_swap
    training: resnet9
    vary: {dataset.keep.cat: [0.5, 1.0], poison.share.cat: [0.2]}
    deletions: [everything_found]
    methods: [retrain, finetune]
    seeds: [0]
  false_positives:
    dataset: pair
    poison: corner_swap
    training: resnet9
    vary: {deletion.fpr: [0.0, 0.25]}
    deletions: [everything_found]
    methods: [retrain, finetune]
    seeds: [0]
figures:
  imbalance: {studies: [imbalance]}
  false_positives: {studies: [false_positives]}
"""


@dataclass(frozen=True)
class Project:
    """A copy of the project, with its tiny config."""

    folder: Path

    @property
    def config(self) -> dict:
        return yaml.safe_load((self.folder / "tiny.yaml").read_text())

    def set(self, path: str, value: object) -> None:
        """Change one key of the config."""
        config = self.config
        *folders, last = path.split("/")
        place = config
        for folder in folders:
            place = place[folder]
        place[last] = value
        (self.folder / "tiny.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    def edit(self, file: str, old: str, new: str) -> None:
        """Change one piece of a source file."""
        text = (self.folder / file).read_text()
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        (self.folder / file).write_text(text.replace(old, new))

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        started = self.start(*arguments)
        said, warned = started.communicate()
        return subprocess.CompletedProcess(started.args, started.returncode, said, warned)

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start Snakemake in its own process group, so that a test can wait for it or kill it."""
        command = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "2", *arguments]
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def jobs(self) -> dict[str, int]:
        """Return the number of jobs of each rule in a dry run."""
        done = self.snakemake("-n")
        assert done.returncode == 0, done.stderr
        output = done.stdout + done.stderr
        if "Nothing to be done" in output:
            return {}
        table = output.split("Job stats:")[-1]
        counts = dict(re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE))
        return {rule: int(count) for rule, count in counts.items() if rule not in ("total", "all")}


def run_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, prepare: Callable[[Project], None]
) -> Project:
    """Return a copy of the project with a finished study, run once for all workers of pytest-xdist.

    Args:
        prepare: writes the config `tiny.yaml` and the files that it names.
    """
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    shared = tmp_path_factory.getbasetemp().parent if is_worker else tmp_path_factory.getbasetemp()
    folder = shared / name
    with FileLock(shared / f"{name}.lock"):
        if not folder.exists():
            making = Project(tmp_path_factory.mktemp("making"))
            copy_project(making.folder)
            prepare(making)
            done = making.snakemake()
            assert done.returncode == 0, done.stdout + done.stderr
            making.folder.rename(folder)
    return Project(folder)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The tiny study, run to its figures."""
    return run_once(
        tmp_path_factory, "finished", lambda making: (making.folder / "tiny.yaml").write_text(TINY)
    )


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the finished study that a test may change."""
    folder = tmp_path / "project"
    shutil.copytree(finished.folder, folder, symlinks=True)  # copies times too
    yield Project(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository of the current workflow, with the snippet's tag and without the package."""
    folder = tmp_path_factory.mktemp("repository")
    for name in ("workflow", "envs", "profiles", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "LICENSE", folder)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    for command in (
        ["init", "--quiet"],
        ["add", "."],
        ["commit", "--quiet", "-m", "Copy"],
        ["tag", "v0.1.0"],
    ):
        subprocess.run([*git, *command], cwd=folder, check=True)
    return folder


@dataclass(frozen=True)
class Tutorial:
    """The folder in which the commands of the page "You were poisoned" ran, and the output of each."""

    folder: Path
    said: dict[str, str]


@pytest.fixture(scope="session")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Tutorial:
    """The page's commands, run once for all workers of pytest-xdist. Tests write nothing there."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "tutorial"
    folder.mkdir(exist_ok=True)
    known = folder / "said.json"
    with FileLock(folder / "lock"):
        if not known.exists():
            text = tutorial_run.PAGE.read_text(encoding="utf-8")
            said = {command: tutorial_run.run(command, folder) for command in tutorial_run.commands(text)}
            known.write_text(json.dumps(said))
    return Tutorial(folder, json.loads(known.read_text()))
