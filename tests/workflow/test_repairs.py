"""Repairs by trusted rows: planned once for each base model, measured without a deletion set."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from unpoison.errors import UserError
from unpoison.study.plan import Plan
from unpoison.study.studies import Cell

ROOT = Path(__file__).parents[2]
DEMO = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text())
TABLES = {"collect_results": 1, "make_tables": 1, "trace_records": 1}
DOWNSTREAM = TABLES | {"draw_figure": 2, "write_report": 1}


def with_repair(validation: float, methods: list[str], **study: object) -> dict:
    """Return the demo's config with a repair in one of its studies."""
    studies = {**DEMO["studies"], "false_positives_fpr": {**DEMO["studies"]["false_positives_fpr"], **study}}
    studies["false_positives_fpr"]["methods"] = methods
    datasets = {
        **DEMO["datasets"],
        "ten_classes": {**DEMO["datasets"]["ten_classes"], "validation": validation},
    }
    repairs = {"fine_pruning": {}, "gentle_pruning": {"method": "fine_pruning", "accuracy_drop": 0.01}}
    return {**DEMO, "datasets": datasets, "methods": DEMO["methods"] | repairs, "studies": studies}


def repaired(plan: Plan) -> list[Cell]:
    return [cell for cell in plan.cells if "pruning" in cell.method]


def test_a_repair_is_made_once_for_each_base_model() -> None:
    plan = Plan(with_repair(0.1, ["retrain", "gentle_pruning"]))  # two values of deletion.fpr, two seeds
    assert [(cell.deletion, cell.seed) for cell in repaired(plan)] == [(None, 0), (None, 1)]
    assert {cell.method for cell in repaired(plan)} == {"gentle_pruning"}


def test_a_varied_option_of_a_repair_makes_a_repair_of_each_value() -> None:
    vary = {"method.accuracy_drop": [0.1, 0.2]}
    config = with_repair(0.1, ["fine_pruning"], vary=vary, seeds=1) | {"figures": {}}
    assert {cell.method for cell in repaired(Plan(config))} == {
        "fine_pruning@accuracy_drop=0.1",
        "fine_pruning@accuracy_drop=0.2",
    }


@pytest.mark.parametrize("validation", [0, 0.0])
def test_a_repair_without_trusted_rows_is_refused(validation: float) -> None:
    with pytest.raises(
        UserError, match=r"'fine_pruning' works on trusted rows.*found validation: 0"
    ) as error:
        Plan(with_repair(validation, ["retrain", "fine_pruning"]))
    assert "\n" not in str(error.value)


def test_a_figure_over_deletion_sets_needs_more_than_repairs() -> None:
    with pytest.raises(UserError, match="needs a method other than the references"):
        Plan(with_repair(0.1, ["fine_pruning"]))


def test_the_name_of_the_folder_is_reserved() -> None:
    config = with_repair(0.1, ["retrain"], deletions=["repaired"])
    with pytest.raises(UserError, match="reserved"):
        Plan({**config, "deletions": config["deletions"] | {"repaired": {"recall": 1.0}}})


def test_a_repair_is_run_measured_and_drawn_and_then_left_alone(project) -> None:
    project.set("methods/fine_pruning", {"epochs": 1})
    project.set("studies/false_positives/methods", ["retrain", "finetune", "fine_pruning"])
    assert project.jobs() == {"repair": 1, "measure": 1} | DOWNSTREAM
    done = project.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    project.set("studies/false_positives/vary/deletion.fpr", [0.0, 0.25, 0.5])
    assert project.jobs() == {"select_deletion": 1, "unlearn": 2, "measure": 1} | DOWNSTREAM
    results = pd.read_parquet(project.folder / "results/tables/results.parquet")
    repair = results[results["method"] == "fine_pruning"]
    assert set(repair["study"]) == {"false_positives"}
    assert repair[["deletion", "recall", "fdr", "fpr", "deletion.fpr"]].isna().all(axis=None)
    cost = repair.set_index("metric")["value"]
    assert cost["image_passes"] == cost["forward_passes"] == 11  # one epoch, and one pass for the features
    paired = pd.read_parquet(project.folder / "results/tables/paired.parquet")
    against = paired[(paired["other"] == "fine_pruning") & (paired["metric"] == "image_passes")]
    assert set(against["method"]) >= {"retrain", "finetune"}
    assert len(against[against["method"] == "retrain"]) == 2  # the deletion sets of the study
