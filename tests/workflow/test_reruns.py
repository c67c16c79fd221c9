"""The rerun promise: the jobs that a change reruns, counted in dry runs of the real Snakefile."""

import json
import os
import time

import numpy as np
import pandas as pd
import pytest
import yaml

from unpoison.files import map_array, read_json, write_json
from unpoison.rows import read_rows

TABLES = {"collect_results": 1, "make_tables": 1}
TRACED = {"trace_records": 1}  # if there are new records
FIGURES = {"draw_figure": 2}
REPORT = {"write_report": 1}
DOWNSTREAM = TABLES | TRACED | FIGURES | REPORT
MODELS = 2 + 1  # two ratios in one study, the full data set in the other; one seed


def test_a_second_run_does_nothing(project) -> None:
    assert project.jobs() == {}


def test_a_value_added_to_an_axis_of_the_deletion_makes_its_cells_only(project) -> None:
    project.set("studies/false_positives/vary/deletion.fpr", [0.0, 0.25, 0.5])
    assert project.jobs() == {"select_deletion": 1, "unlearn": 2, "measure": 1} | DOWNSTREAM


def test_a_value_added_to_an_axis_of_the_data_makes_its_cells_only(project) -> None:
    project.set("studies/imbalance/vary/dataset.keep.cat", [0.5, 0.75, 1.0])
    assert (
        project.jobs()
        == {
            "poison_dataset": 1,
            "train_base": 1,
            "train_oracle": 1,
            "draw_training": 1,
            "select_deletion": 1,
            "unlearn": 2,
            "measure": 1,
        }
        | DOWNSTREAM
    )


def test_a_seed_added_makes_its_cells_only(project) -> None:
    project.set("studies/false_positives/seeds", [0, 5])
    assert (
        project.jobs()
        == {
            "poison_dataset": 1,
            "train_base": 1,
            "train_oracle": 1,
            "draw_training": 1,
            "select_deletion": 2,
            "unlearn": 4,
            "measure": 1,
        }
        | DOWNSTREAM
    )


def test_a_method_added_makes_its_cells_only(project) -> None:
    project.set("methods/long", {"method": "finetune", "length": 1.0})
    project.set("studies/imbalance/methods", ["retrain", "finetune", "long"])
    assert project.jobs() == {"unlearn": 2, "measure": 2} | DOWNSTREAM


def test_an_option_of_one_method_changes_its_cells_only(project) -> None:
    project.set("methods/finetune/length", 0.75)
    assert project.jobs() == {"unlearn": 4, "measure": MODELS} | DOWNSTREAM


def test_an_edited_method_changes_its_cells_only(project) -> None:
    project.edit(
        "unpoison/unlearning/finetune.py", "length: PositiveFloat = 0.25", "length: PositiveFloat = 0.125"
    )
    assert project.jobs() == {"unlearn": 4, "measure": MODELS} | DOWNSTREAM


def test_two_swapped_values_of_a_method_are_seen(project) -> None:
    project.set("methods/finetune", {"length": 0.25, "learning_rate": 0.5})
    assert project.jobs() == {"unlearn": 4, "measure": MODELS} | DOWNSTREAM


def test_two_swapped_values_of_a_recipe_are_seen(project) -> None:
    project.set("recipes/quick", project.config["recipes"]["quick"] | {"momentum": 0.25, "warmup": 0.5})
    assert (
        project.jobs()
        == {
            "train_base": MODELS,
            "train_oracle": MODELS,
            "draw_training": 2,
            "unlearn": 8,
            "measure": MODELS,
        }
        | DOWNSTREAM
    )


def test_a_default_written_out_changes_nothing(project) -> None:
    project.set("poisons/corner_swap/size", 3)
    project.set("recipes/quick/flip", True)
    project.set("device", "auto")
    project.set("datasets/pair/keep", {"dog": 50})  # the default keeps all cats
    project.set("trainings/resnet9/model", "resnet9")
    project.set("sources/generated/source", "generated")
    assert project.jobs() == {}


def test_a_changed_style_redraws_the_figures_only(project) -> None:
    project.edit("unpoison/drawing/style.py", "PAGE_WIDTH = 174", "PAGE_WIDTH = 175")
    assert project.jobs() == {"draw_figure": 2, "draw_samples": 2, "draw_training": 2} | REPORT


def test_a_changed_figure_is_redrawn_alone(project) -> None:
    project.set("figures/imbalance/class_name", "dog")
    assert project.jobs() == {"draw_figure": 1} | REPORT


def test_another_question_or_look_writes_the_report_anew_and_no_more(project) -> None:
    project.set("studies/imbalance/question", "What is the question?")
    project.edit("unpoison/report/page.css", "max-width: 62rem", "max-width: 60rem")
    assert project.jobs() == REPORT


def test_a_changed_metric_measures_again_and_runs_no_network(project) -> None:
    project.edit("unpoison/metrics/_shares.py", "min(by_class)", "min(by_class) + 0.0")
    assert project.jobs() == {"measure": MODELS} | DOWNSTREAM


def test_a_changed_statistic_makes_the_tables_anew_and_measures_nothing(project) -> None:
    project.edit("unpoison/plane.py", "import pandas as pd", "import pandas as pd\n\nSEEN = 1")
    assert project.jobs() == {"make_tables": 1} | FIGURES | REPORT


def test_weights_that_are_not_kept_are_no_output(project) -> None:
    project.set("keep_models", "base")
    assert project.jobs() == {}
    for folder in ("oracle", "everything_found*/*"):
        for path in (project.folder / "results").glob(f"*/seed0/*/*/{folder}/model.safetensors"):
            path.unlink()
    assert project.jobs() == {}
    project.set("keep_models", "all")
    jobs = project.jobs()
    assert (jobs["train_oracle"], jobs["unlearn"]) == (MODELS, 8)
    assert "train_base" not in jobs


def test_prose_reruns_nothing(project) -> None:
    project.edit("unpoison/unlearning/finetune.py", "BatchNorm's running", "# BatchNorm's own running")
    project.edit("unpoison/pixels.py", "# Every crop of every image", "# All crops of all images")
    assert project.jobs() == {}


def test_code_is_parsed_anew_where_what_was_kept_of_it_is_damaged(project) -> None:
    file = project.folder / ".snakemake/unpoison_code.json"
    file.write_text("{")
    assert project.jobs() == {}
    assert len(read_json(file)["sources"]) > 50


def test_code_that_was_parsed_before_is_not_parsed_again(project) -> None:
    file = project.folder / ".snakemake/unpoison_code.json"
    kept = read_json(file)
    write_json(
        file, {**kept, "sources": {key: [imports, "x"] for key, (imports, _) in kept["sources"].items()}}
    )
    assert project.jobs() != {}
    write_json(file, {**kept, "parser": "of another Python", "sources": {}})
    assert project.jobs() == {}


def test_another_way_to_record_reruns_nothing(project) -> None:
    project.edit("unpoison/provenance.py", '"host": platform.node()', '"machine": platform.node()')
    project.edit("unpoison/jobs/record.py", "device=device,", "device=device.lower(),")
    assert project.jobs() == {}


def test_data_that_moved_rerun_nothing(project) -> None:
    project.set("data_folder", "elsewhere")
    assert project.jobs() == {}


@pytest.mark.parametrize("folder", ["unpoison", "workflow", "results", "config"])
def test_touched_files_rerun_nothing(project, folder: str) -> None:
    now = time.time() + 5
    for path in (project.folder / folder).rglob("*"):
        if path.is_file():
            os.utime(path, (now, now))
    assert project.jobs() == {}


def test_reordered_lists_and_keys_rerun_nothing(project) -> None:
    project.set("studies/imbalance/vary/dataset.keep.cat", [1.0, 0.5])
    project.set("studies/false_positives/vary/deletion.fpr", [0.25, 0.0])
    project.set("studies/imbalance/methods", ["finetune", "retrain"])
    project.set("datasets/pair/classes", ["dog", "cat"])
    project.set("datasets/pair/keep", {"dog": 50, "cat": 1.0})
    project.set("studies", dict(reversed(project.config["studies"].items())))
    assert project.jobs() == {}


def test_a_study_that_shares_a_variant_shares_its_artifacts(project) -> None:
    project.set("studies/again", project.config["studies"]["imbalance"])
    assert project.jobs() == {"draw_samples": 1, "draw_training": 1} | TABLES | FIGURES | REPORT


def test_an_entry_that_no_study_uses_reruns_nothing(project) -> None:
    project.set("methods/idle", {"method": "finetune", "length": 1.0})
    assert project.jobs() == {}


def test_a_tuned_method_is_tuned_once_and_again_when_its_trials_change(project) -> None:
    project.set("deletions/most_found", {"recall": 0.8})
    project.set("tunings", {"small": {"trials": 2, "seeds": [1000, 1001], "deletion": "most_found"}})
    project.set("methods/tuned", {"method": "finetune", "length": 0.5, "tuning": "small"})
    project.set("studies/false_positives/methods", ["retrain", "finetune", "tuned"])
    base = {"poison_dataset": 2, "train_base": 2, "select_deletion": 2}  # for the two tuning seeds
    cells = {"unlearn": 2, "measure": 1}
    assert project.jobs() == base | {"tune": 1} | cells | DOWNSTREAM

    cell = "results/pair/seed0/corner_swap/resnet9/everything_found@fpr=0.0/tuned/model.safetensors"
    done = project.snakemake(cell)
    assert done.returncode == 0, done.stdout + done.stderr
    tuned = yaml.safe_load((project.folder / "results/pair/tuned/corner_swap/resnet9/tuned.yaml").read_text())
    assert set(tuned["options"]) == {"learning_rate"}
    assert len(tuned["trials"]) == 2
    assert tuned["choices"]["held_out"]["options"] == tuned["options"]
    run = json.loads((project.folder / cell).with_name("run.json").read_text())
    assert run["spec"]["options"] == {"last": None, "length": 0.5, **tuned["options"]}
    assert project.jobs() == {"unlearn": 1, "measure": 1} | DOWNSTREAM

    assert run["tuning_passes"] == 3 * tuned["image_passes"]
    project.set("tunings/small/trials", 3)
    assert project.jobs() == {"tune": 1} | cells | DOWNSTREAM


def test_three_budgets_share_one_search_for_each_method_and_pay_for_their_own_trials(project) -> None:
    project.set("deletions/most_found", {"recall": 0.8})
    project.set("tunings", {"small": {"trials": 3, "seeds": [1000, 1001], "deletion": "most_found"}})
    project.set("methods/tuned", {"method": "finetune", "length": 0.5, "tuning": "small"})
    project.set("methods/ascent", {"method": "gradient_ascent", "tuning": "small"})
    study = project.config["studies"]["false_positives"]
    vary = {**study["vary"], "method.budget": [1, 2, 3]}
    project.set("studies/budgets", {**study, "vary": vary, "methods": ["tuned", "ascent"]})
    deletions = len(study["vary"]["deletion.fpr"])
    jobs = project.jobs()
    assert jobs["tune"] == 2
    assert jobs["unlearn"] == 2 * 3 * deletions
    assert jobs["train_base"] == 2

    place = "results/pair/seed0/corner_swap/resnet9"
    done = project.snakemake(f"{place}/metrics.parquet")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.stem for path in project.folder.glob("results/pair/tuned/*/*/tuned*.yaml")] == ["tuned"]
    tuned = yaml.safe_load((project.folder / "results/pair/tuned/corner_swap/resnet9/tuned.yaml").read_text())
    table = pd.read_parquet(project.folder / place / "metrics.parquet")
    shares = table[table["metric"] == "tuning_passes"].groupby("method")["value"].unique()
    passes = [3 * trial["image_passes"] for trial in tuned["trials"]]
    for budget, spent in ((1, 0), (2, sum(passes[:2])), (3, sum(passes))):
        assert shares[f"tuned@budget={budget}"] == [spent / deletions]
        run = project.folder / place / f"everything_found@fpr=0.0/tuned@budget={budget}/run.json"
        options = json.loads(run.read_text())["spec"]["options"]
        assert options["learning_rate"] in [
            one["options"]["learning_rate"] for one in tuned["trials"][:budget]
        ]
    assert set(table[table["metric"] == "tuning_passes"]["method"]) == {
        f"{name}@budget={budget}" for name in ("tuned", "ascent") for budget in (1, 2, 3)
    }


def test_a_surrogate_is_trained_for_poisons_that_need_one_and_its_images_are_trained_on(project) -> None:
    hard = {"target": "cat", "count": 6, "norm": "linf", "eps": 32.0, "steps": 2}
    project.set("poisons/clean_label", hard)
    project.set("figures", {})
    project.set(
        "studies/false_positives", project.config["studies"]["false_positives"] | {"poison": "clean_label"}
    )
    models = {"train_surrogate": 1, "perturb_images": 1, "train_base": 1, "train_oracle": 1}
    jobs = project.jobs()
    assert {rule: jobs.get(rule) for rule in models} == models

    folder = project.folder / "results/pair/seed0/clean_label/resnet9"
    done = project.snakemake("results/pair/seed0/clean_label/resnet9/base/model.safetensors")
    assert done.returncode == 0, done.stdout + done.stderr
    made, source = map_array(folder / "surrogate/images.npy"), project.folder / "results/sources/generated"
    train = read_rows(folder.parent / "rows.parquet").of("train")
    before = map_array(source / "images.npy")[train.image[train.is_poisoned]]
    assert len(made) == 6
    assert 1 <= np.abs(made.astype(int) - before).max() <= 32
    run = json.loads((folder / "base/run.json").read_text())
    assert "results/pair/seed0/clean_label/resnet9/surrogate/images.npy" in run["inputs"]
    jobs = project.jobs()
    assert [rule for rule in models if rule in jobs] == ["train_oracle"]

    project.set("poisons/clean_label/steps", 3)
    assert {rule: project.jobs().get(rule) for rule in models} == models
