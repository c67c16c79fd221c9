"""docs/add-a-method.md works: its file in a user's plug-in folder, its lines in the config."""

import json
import re
from pathlib import Path

import pytest
import yaml

PAGE = (Path(__file__).parents[2] / "docs" / "add-a-method.md").read_text()
CELL = "results/pair/seed0/corner_swap/resnet9/everything_found@fpr=0.0/gentle"
NEW = {"unlearn": 2, "measure": 1}


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    return found


@pytest.fixture
def with_gentle(project):
    """The project, with the page's method in one of its two studies."""
    added = yaml.safe_load(block("yaml"))
    (project.folder / added["plugins"]).mkdir()
    (project.folder / added["plugins"] / "gentle.py").write_text(block("python"))
    project.set("plugins", added["plugins"])
    project.set("methods", {**project.config["methods"], **added["methods"]})
    project.set("studies/false_positives/methods", ["retrain", "finetune", "gentle"])
    return project


def test_a_method_of_one_file_in_the_users_folder_is_run(with_gentle) -> None:
    found = with_gentle.jobs()
    assert {rule: found[rule] for rule in NEW} == NEW
    assert not {"poison_dataset", "train_base", "select_deletion"} & set(found)
    done = with_gentle.snakemake(f"{CELL}/answers.npy")
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((with_gentle.folder / CELL / "run.json").read_text())
    assert record["spec"]["options"] == {"learning_rate": 0.001, "length": 0.5}
    assert record["image_passes"] == 2 * 32  # half of four steps of 32


def test_its_misspelt_option_is_refused(with_gentle) -> None:
    with_gentle.set("methods/gentle", {"lenght": 0.5})
    done = with_gentle.snakemake("-n")
    assert done.returncode != 0
    assert "unknown option in methods.gentle: 'lenght'; choose from learning_rate, length" in done.stderr
