"""The held-out check and the export of a repaired model as parts of the DAG."""

import json

import pandas as pd
import pytest
import yaml
from safetensors.torch import load_file

from tests.workflow.conftest import TINY
from unpoison.errors import UserError
from unpoison.models import MODELS
from unpoison.study.plan import Plan

CHECKED = "results/pair@keep.cat=1.0/seed0/corner_swap@share.cat=0.2/resnet9/everything_found"
REPAIR = {
    **{"dataset": "pair", "poison": "corner_swap", "training": "resnet9"},
    **{"deletion": "everything_found", "method": "finetune", "folds": 2},
}


def config(**changes: object) -> dict:
    return {**yaml.safe_load(TINY), **changes}


def alone(**repair: object) -> dict:
    """Return the tiny config without a study, and with a model to repair and export."""
    return config(studies={}, figures={}, repairs={"mine": {**REPAIR, **repair}})


def test_a_study_that_asks_for_it_is_checked_and_its_repairs_are_handed_over(project) -> None:
    project.set("studies/false_positives/verify", {"folds": 2})
    jobs = project.jobs()
    # Two deletion sets and two methods, with two folds each.
    assert {rule: jobs[rule] for rule in ("hold_out", "train_reference", "verify")} == {
        "hold_out": 8,
        "train_reference": 2,
        "verify": 4,
    }
    assert "unlearn" not in jobs
    project.set("repairs", {"mine": REPAIR})
    project.set("keep_models", "all")
    done = project.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    results = pd.read_parquet(project.folder / "results/tables/results.parquet")
    checked = results[results["metric"] == "held_out_attack_success_high"]
    assert set(checked["study"]) == {"false_positives"}
    assert set(checked["method"]) == {"retrain", "finetune"}
    assert project.jobs() == {}

    handed_over = project.folder / "results/repairs/mine"
    network = MODELS["resnet9"](2, 16, width=2)
    network.load_state_dict(load_file(handed_over / "repaired.safetensors"))
    summary = json.loads((handed_over / "repair.json").read_text())
    assert summary["method"] == "finetune"
    assert {"attack_success", "low", "high"} <= summary["verify"].keys()
    assert summary["before"]["attack_success_rate"] is not None
    kept = (handed_over / "clean.csv").read_text().splitlines()
    assert kept[0] == "path,label"
    assert len(kept) == 1 + summary["rows"] - summary["flagged"]

    project.set("repairs/mine/folds", 3)
    assert project.jobs()["hold_out"] == 3


def test_a_config_may_ask_for_a_repair_alone() -> None:
    plan = Plan(alone())
    assert plan.cells == []
    assert plan.repairs["mine"].cell.method == "finetune"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (config(studies={}, figures={}), "found no entry of studies, repairs and scans"),
        (alone(method="nothing"), "unknown method in repairs.mine: 'nothing'"),
        ({**alone(), "keep_models": "base"}, "repairs.mine hands over weights; found keep_models: base"),
        (alone(folds=1), "repairs.mine.folds: found 1, allowed: 2 or more"),
        (
            {**alone(method="anp"), "methods": {"anp": {}}},
            r"repairs\.mine: found method anp .* allowed: a method that forgets rows",
        ),
    ],
    ids=["nothing", "unknown method", "no weights", "one fold", "takes no rows"],
)
def test_a_repair_that_cannot_be_made_is_refused(changed: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Plan(changed)


def test_two_numbers_of_folds_for_one_model_are_refused() -> None:
    both = config(repairs={"mine": {**REPAIR, "folds": 3}})
    study = {**both["studies"]["false_positives"], "vary": {}, "verify": {"folds": 2}}
    with pytest.raises(UserError, match=r"verify\.folds: found 2 and 3"):
        Plan({**both, "studies": {"plain": study}, "figures": {}})
