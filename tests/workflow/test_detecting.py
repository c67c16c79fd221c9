"""Detectors in the workflow: refusals, jobs, and reruns after changes."""

import copy
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from test_refused import DEMO, changed

import unpoison.study.records
import unpoison.study.resolve
from unpoison.detectors import DETECTORS
from unpoison.errors import UserError
from unpoison.plugins import Plugins
from unpoison.study.plan import Plan

DETECTED = copy.deepcopy(DEMO) | {
    "detectors": {"spectral_signatures": {}, "early": {"detector": "loss", "early": True}},
    "deletions": {
        "everything_found": {"recall": 1.0},
        "spectral": {"detector": "spectral_signatures", "top": 0.05},
    },
}
DETECTED["datasets"]["catdog"]["validation"] = 0.1
DETECTED["studies"] = {"found": DEMO["studies"]["imbalance"] | {"deletions": ["spectral"], "vary": {}}}
DETECTED["figures"] = {}

REFUSED = {
    "unknown detector": (
        "detectors/spectral_signatures",
        {"detector": "spectrum"},
        "unknown detector 'spectrum'",
    ),
    "unknown detector entry": (
        "deletions/spectral",
        {"detector": "loss"},
        "'loss'; choose from early, spectral",
    ),
    "unknown option": ("detectors/early/ealry", True, "unknown option in detectors.early: 'ealry'"),
    "reserved name": (
        "detectors/deletion",
        {"detector": "loss"},
        "detectors.deletion: this name is reserved",
    ),
    "two cuts": ("deletions/spectral/budget", 9, "found top: 0.05, budget: 9"),
    "a cut and counts": (
        "deletions/spectral/recall",
        0.5,
        "a detector's rows are cut by score, not drawn; found also recall",
    ),
    "a cut of nothing": ("deletions/spectral", {"top": 0.1}, "top cuts the scores of a detector"),
    "no rule of its own": (
        "deletions/spectral",
        {"detector": "early"},
        "the detector loss has no rule of its own",
    ),
    "budget of every row": (
        "deletions/spectral",
        {"detector": "early", "budget": 1800},
        "asks for 1800 rows; of 1800 training rows none would be left",
    ),
    "top of no row": ("deletions/spectral/top", 0.0001, "top: 0.0001 of 1800 training rows selects no row"),
    "top above 1": ("deletions/spectral/top", 1.5, "1 or less"),
    "no triggered examples": (
        "detectors/influence",
        {},
        "detectors.influence.triggered_examples is missing: how many validation rows are stamped",
    ),
    "more triggered examples than trusted rows": (
        "detectors/spectral_signatures",
        {"detector": "influence", "triggered_examples": 201},
        "it needs trusted rows, 201 to stamp; the data set's validation sets 200 aside",
    ),
    "a detector with a bias": (
        "deletions/spectral/bias",
        "class",
        "are cut by score, not drawn; found also bias",
    ),
    "a list with a bias": ("deletions/spectral", {"rows": "mine.csv", "bias": "class"}, "found also bias"),
    "a bias of no counts": ("deletions/spectral", {"bias": "class"}, "takes size or recall"),
    "unknown bias": ("deletions/spectral", {"recall": 1.0, "bias": "color"}, "one of ['class', 'confidence'"),
    "triggered examples for nobody": (
        "detectors/early/triggered_examples",
        1,
        "detectors.early.triggered_examples: the detector loss looks at none",
    ),
}


STAMPABLE = {
    # an attack, and the number of 200 trusted rows, half of each class, that it can stamp
    "from all classes to one": ({"poison": "patch", "target": "cat", "count": 5}, 100),
    "all to all": ({"poison": "patch", "target": None, "count": 5}, 200),
    "from one class": ({"poison": "patch", "target": "cat", "victims": ["dog"], "count": 5}, 100),
    "without a trigger": ({"poison": "label_noise", "count": 5}, 0),
    "several": ({"poison": "several", "parts": ["patch", "noise"]}, 100),
}


@pytest.mark.parametrize("case", STAMPABLE)
def test_more_triggered_examples_than_can_be_stamped_are_refused_before_any_training(case: str) -> None:
    attack, there = STAMPABLE[case]
    config = changed("poisons/attack", attack, DETECTED)
    config = changed("poisons/noise", {"poison": "label_noise", "count": 5}, config)
    config = changed("poisons/patch", {"target": "cat", "count": 5}, config)
    config = changed("studies/found/poison", "attack", config)
    config = changed("deletions/spectral", {"detector": "shown", "top": 0.05}, config)

    def shown(count: int) -> dict:
        return changed("detectors/shown", {"detector": "influence", "triggered_examples": count}, config)

    if there:
        assert Plan(shown(there)).cells
    too_many = "sets 200 aside" if there == 200 else f"{there} validation rows can be stamped with a trigger"
    with pytest.raises(UserError, match=f"{there + 1} (triggered|to stamp).*{too_many}"):
        Plan(shown(there + 1))


def plan_without_validation(deletion: dict) -> None:
    Plan(changed("datasets/catdog/validation", 0, changed("deletions/spectral", deletion, DETECTED)))


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_detector_can_do_is_refused(case: str) -> None:
    path, value, words = REFUSED[case]
    with pytest.raises(UserError) as error:
        Plan(changed(path, value, DETECTED))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_threshold_needs_trusted_rows() -> None:
    asked = {"detector": "spectral_signatures", "fpr_budget": 0.01}
    assert Plan(changed("deletions/spectral", asked, DETECTED)).cells
    with pytest.raises(UserError, match=r"needs trusted rows, one or more as they are; .* sets 0 aside"):
        plan_without_validation(asked)
    plan_without_validation({"detector": "spectral_signatures"})  # its own threshold needs no trusted rows


@pytest.mark.parametrize("key", ["deletion.top", "deletion.detector"])
def test_a_cut_and_a_detector_can_be_varied(key: str) -> None:
    values = {"deletion.top": [0.01, 0.1], "deletion.detector": ["spectral_signatures", "early"]}[key]
    plan = Plan(changed("studies/found/vary", {key: values}, DETECTED))
    assert len(plan.studies["found"].variants["deletion"]) == 2


@pytest.mark.parametrize("name", list(DETECTORS))
def test_what_a_detector_declares_is_read_without_importing_it(name: str) -> None:
    assert set(DETECTORS.constant(name, "NEEDS")) <= {"validation", "triggered_examples"}
    assert DETECTORS.constant(name, "OWN_RULE") in (True, False)


def test_a_file_in_the_folder_is_a_detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file is enough, without a list to edit: options, needs and rule are read from its source."""
    folder = shutil.copytree(DETECTORS.folder, tmp_path / "detectors")
    (folder / "brightest.py").write_text(
        "import nowhere\n"  # planning must not import the file
        "NEEDS = ('validation',)\nOWN_RULE = False\n"
        "def score(evidence, *, power: PositiveFloat = 1.0): ...\n"
    )
    registry = Plugins(DETECTORS.package, "score", "detector")
    registry.folder = folder
    for module in (unpoison.study.resolve, unpoison.study.records):
        monkeypatch.setattr(module, "DETECTORS", registry)
    named = changed("detectors/brightest", {"power": 2.0}, DETECTED)
    config = changed("deletions/spectral", {"detector": "brightest", "top": 0.1}, named)
    brightest = Plan(config).detectors["brightest"]
    assert (brightest.kind, brightest.triggered_examples, brightest.options) == (
        "brightest",
        0,
        {"power": 2.0},
    )
    for path, value, words in (
        ("detectors/brightest/power", -1, "detectors.brightest.power: found -1, allowed: a number above 0"),
        ("deletions/spectral", {"detector": "brightest"}, "the detector brightest has no rule of its own"),
        ("datasets/catdog/validation", 0, "needs trusted rows"),
    ):
        with pytest.raises(UserError, match=words):
            Plan(changed(path, value, config))


def with_detector(project) -> None:
    project.set("detectors", {"spectral_signatures": {}, "low": {"detector": "loss"}})
    project.set("deletions/spectral", {"detector": "spectral_signatures", "top": 0.25})
    project.set("deletions/low", {"detector": "low", "fpr_budget": 0.5})
    project.set("studies/imbalance/deletions", ["spectral", "low"])
    project.set("studies/imbalance/vary", {"dataset.keep.cat": [0.5]})
    project.set("figures", {})


CELL = "results/pair@keep.cat=0.5/seed0/corner_swap/resnet9"


def test_scores_are_made_once_and_again_for_what_changed(project) -> None:
    with_detector(project)
    sets = [f"{CELL}/{name}/deletion.parquet" for name in ("spectral", "low")]
    done = project.snakemake(*sets)
    assert done.returncode == 0, done.stdout + done.stderr
    scores = pd.read_parquet(project.folder / CELL / "scores/spectral_signatures.parquet")
    deleted = pd.read_parquet(project.folder / CELL / "spectral/deletion.parquet")
    trained = scores[scores["split"] == "train"]
    assert set(scores.columns) == {"split", "position", "row_id", "score", "flagged"}
    assert len(deleted) == round(0.25 * len(trained))
    assert trained.set_index("row_id")["score"].nlargest(len(deleted)).index.isin(deleted["row_id"]).all()

    before = project.jobs()
    assert "score_rows" not in before
    assert before["unlearn"] == 4
    project.set("detectors/low/suspect", "high")
    assert scored_and_selected(project) == (1, 1)
    project.set("detectors/low", {"detector": "loss"})
    project.edit("unpoison/detectors/loss.py", "sign = 1 if", "sign = 1.0 if")
    assert scored_and_selected(project) == (1, 1)
    project.set("studies/imbalance/deletions", ["spectral"])
    project.set("studies/imbalance/vary/deletion.top", [0.25, 0.5])
    assert scored_and_selected(project) == (0, 2)  # the same scores, two thresholds


def test_errors_that_depend_on_the_model_ask_it_nothing_new(project) -> None:
    project.set("figures", {})
    project.set("studies/imbalance/vary", {"dataset.keep.cat": [0.5], "deletion.bias": ["class"]})
    biases = ["class", "confidence", "similarity"]
    project.set("studies/imbalance/vary", {"dataset.keep.cat": [0.5], "deletion.bias": biases})
    jobs = project.jobs()
    assert jobs["select_deletion"] == 3
    done = project.snakemake(f"{CELL}/everything_found@bias=similarity/deletion.parquet")
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((project.folder / CELL / "everything_found@bias=similarity/run.json").read_text())
    assert f"{CELL}/base/outputs.npy" in record["inputs"]


def scored_and_selected(project) -> tuple[int, int]:
    jobs = project.jobs()
    return jobs.get("score_rows", 0), jobs.get("select_deletion", 0)
