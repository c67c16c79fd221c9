"""A user's own network with given weights in a study: its results, and reruns after changes."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Project, run_once
from safetensors.torch import load_file, save_file

from unpoison.files import read_json

COMPANY = '''"""The company's network."""

from company_blocks import block
from torch import nn


class CompanyNet(nn.Module):
    """Two convolutions and a linear layer."""

    def __init__(self, classes: int, width: int = 4):
        super().__init__()
        self.body = nn.Sequential(block(3, width), block(width, 2 * width), nn.AdaptiveAvgPool2d(2))
        self.head = nn.Linear(8 * width, classes)

    def forward(self, images):
        return self.head(self.body(images).flatten(1))
'''
BLOCKS = """from torch import nn


def block(inner, outer):
    layer = nn.Conv2d(inner, outer, 3, stride=2, padding=1)
    return nn.Sequential(layer, nn.BatchNorm2d(outer), nn.ReLU())
"""
# The company's own training on its own images, without unpoison.
TRAINING = """
import torch
from company import CompanyNet
from safetensors.torch import save_file

torch.manual_seed(0)
network = CompanyNet(3)
optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
images, labels = torch.randn(48, 3, 16, 16), torch.arange(48) % 3
images[labels == 1] += 1
images[labels == 2] -= 1
for _ in range(20):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(network(images), labels).backward()
    optimizer.step()
save_file(network.state_dict(), "data/company.safetensors")
"""
STUDY = """
results_folder: results
sources:
  generated: {train_per_class: 30, test_per_class: 6, image_size: 16}
datasets:
  three: {source: generated, classes: [cat, dog, ship], validation: 0.1}
poisons:
  clean_label: {target: cat, count: 6, norm: linf, eps: 16.0, steps: 1}
recipes:
  quick: {epochs: 1, batch_size: 16, learning_rate: 0.05}
trainings:
  company:
    model:
      python: company.py:CompanyNet
      arguments: {classes: 3}
      weights: company.safetensors
      mean: [0.5, 0.5, 0.5]
      deviation: [0.25, 0.25, 0.25]
    recipe: quick
detectors:
  spectral_signatures: {}
deletions:
  flagged: {detector: spectral_signatures, budget: 6}
methods:
  retrain: {}
  finetune: {}
  bad_teacher: {}
studies:
  repair:
    dataset: three
    poison: clean_label
    training: company
    deletions: [flagged]
    methods: [retrain, finetune, bad_teacher]
    seeds: [0]
"""
FOLDER = Path("results/three/seed0/clean_label/company")
UNTOUCHED = {"train_surrogate", "train_oracle", "perturb_images", "poison_dataset"}
METHODS = 3
OF_BASE = {"train_base": 1, "score_rows": 1, "select_deletion": 1, "unlearn": METHODS, "measure": 1}
TABLES = {"collect_results": 1, "make_tables": 1, "trace_records": 1, "write_report": 1}


def prepare(making: Project) -> None:
    files = {"tiny.yaml": STUDY, "company.py": COMPANY, "company_blocks.py": BLOCKS, "train.py": TRAINING}
    for name, text in files.items():
        (making.folder / name).write_text(text)
    (making.folder / "data").mkdir()
    subprocess.run([sys.executable, "train.py"], cwd=making.folder, check=True)


@pytest.fixture(scope="session")
def repaired(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The finished study."""
    return run_once(tmp_path_factory, "repaired", prepare)


@pytest.fixture
def company(repaired: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the finished study that a test may change."""
    folder = tmp_path / "project"
    shutil.copytree(repaired.folder, folder, symlinks=True)
    yield Project(folder)
    shutil.rmtree(folder)


def test_the_base_model_has_the_given_weights_bit_for_bit_and_no_other_model_has(repaired: Project) -> None:
    given = load_file(repaired.folder / "data/company.safetensors")
    found = {
        path.parent.name: load_file(path) for path in (repaired.folder / FOLDER).rglob("model.safetensors")
    }
    assert set(found) == {"base", "oracle", "surrogate", "retrain", "finetune", "bad_teacher"}
    same = {
        name: [key for key in given if weights[key].numpy().tobytes() == given[key].numpy().tobytes()]
        for name, weights in found.items()
    }
    assert same.pop("base") == list(given)
    assert all("weight" not in key for keys in same.values() for key in keys)
    assert read_json(repaired.folder / FOLDER / "base/run.json")["image_passes"] == 0


def test_every_model_is_asked_about_the_images_that_the_attacker_changed(repaired: Project) -> None:
    changed = str(FOLDER / "surrogate/images.npy")
    runs = [path.with_name("run.json") for path in (repaired.folder / FOLDER).rglob("answers.npy")]
    assert {run.parent.name for run in runs} == {"base", "oracle", "retrain", "finetune", "bad_teacher"}
    assert [run.parent.name for run in runs if changed not in read_json(run)["inputs"]] == []


def test_a_study_of_given_weights_ends_in_a_report_and_has_no_figure_of_training(repaired: Project) -> None:
    results = repaired.folder / "results"
    assert (results / "report.html").is_file()
    assert not list(results.rglob("training_*"))
    assert list(results.rglob("samples_repair*"))
    log = (results / "logs" / FOLDER.relative_to("results") / "base/train.log").read_text()
    assert "the given weights predict the given label of" in log


def test_other_weights_rerun_the_base_model_and_what_follows_and_neither_oracle_nor_surrogate(
    company: Project,
) -> None:
    now, weights = time.time() + 5, company.folder / "elsewhere/company.safetensors"
    (company.folder / "data").rename(company.folder / "elsewhere")
    os.utime(weights, (now, now))
    company.set("data_folder", "elsewhere")
    assert company.jobs() == {}, "touched and moved"
    tensors = load_file(weights)
    save_file({**tensors, "head.bias": tensors["head.bias"] + 1}, weights)
    assert company.jobs() == OF_BASE | TABLES


def test_an_edit_of_the_network_or_its_helper_reruns_its_jobs_and_a_comment_none(company: Project) -> None:
    company.edit("company.py", '"""Two convolutions and a linear layer."""', '"""A network."""  # small')
    company.edit("company_blocks.py", "    layer =", "    # halves the image\n    layer =")
    (company.folder / "train.py").write_text("")
    assert company.jobs() == {}
    every = OF_BASE | {"train_oracle": 1, "train_surrogate": 1, "perturb_images": 1}
    company.edit("company_blocks.py", "nn.ReLU()", "nn.ReLU(inplace=True)")
    assert company.jobs() == every | {"draw_samples": 1} | TABLES, "its helper"
    company.edit("company_blocks.py", "nn.ReLU(inplace=True)", "nn.ReLU()")
    company.edit("company.py", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d")
    assert company.jobs() == every | {"draw_samples": 1} | TABLES, "the network"
    company.edit("company.py", "AdaptiveMaxPool2d", "AdaptiveAvgPool2d")
    company.set("trainings/company/model/mean", [0.4, 0.5, 0.5])
    assert company.jobs() == every | {"draw_samples": 1} | TABLES, "its preprocessing"


def test_another_layer_of_features_reruns_neither_oracle_nor_surrogate(company: Project) -> None:
    company.set("trainings/company/model/features", "body")
    assert company.jobs() == OF_BASE | TABLES


def test_the_estimate_measures_the_users_network(repaired: Project) -> None:
    command = [sys.executable, "-m", "unpoison", "estimate", "tiny.yaml"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        command, check=False, cwd=repaired.folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "jobs left" in done.stdout
    assert "s a training on this machine's device" in done.stdout
