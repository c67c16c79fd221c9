"""The unpoisoned control, from the config to the report: values that need a poison appear nowhere."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from conftest import TINY
from test_as_found import Run, Visible, run

from unpoison.deletion import read_deletion
from unpoison.errors import UserError
from unpoison.rows import read_rows
from unpoison.study.plan import Plan

BY_POISONS = {
    "adversarial_accuracy",
    "attack_success_rate",
    "corrected_accuracy",
    "detector_auroc",
    "detector_average_precision",
    "utility_x_healed",
    "worst_class_adversarial_accuracy",
}


def config(folder: Path) -> dict[str, Any]:
    """Return a study of an unpoisoned set, and one of the same detectors on a patch."""
    tiny = yaml.safe_load(TINY)
    kept = {name: tiny[name] for name in ("sources", "datasets", "recipes", "trainings")}
    study = {"dataset": "pair", "training": "resnet9", "seeds": [0]}
    return {
        **kept,
        "results_folder": str(folder / "results"),
        "poisons": {"unpoisoned": {}, "patch": {"target": "dog", "count": 6}},
        "detectors": {"scan": {}, "loss": {}, "spectral": {"detector": "spectral_signatures"}},
        "deletions": {
            "own": {"detector": "spectral"},
            "nobody": {"detector": "scan"},  # with two classes it never flags a row
            "top": {"detector": "loss", "top": 0.1},
            "budget": {"detector": "loss", "budget": 7},
            "trusted": {"detector": "loss", "fpr_budget": 0.2},
            "drawn": {"recall": 0, "fpr": 0.1},
        },
        "methods": {
            "finetune": {"length": 0.5},
            "scrub": {},
            "fine_pruning": {"epochs": 1},
        },
        "studies": {
            "control": {
                **study,
                "poison": "unpoisoned",
                "deletions": ["own", "nobody", "top", "budget", "trusted", "drawn"],
                "methods": ["finetune", "scrub", "fine_pruning"],
            },
            "found": {**study, "poison": "patch", "deletions": ["own", "nobody"], "methods": ["finetune"]},
        },
    }


@pytest.fixture(scope="module")
def finished_control(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("control")
    return run(folder, config(folder))


def control(made: Run, name: str) -> pd.DataFrame:
    table = made.table(name)
    return table[table["study"] == "control"]


def test_what_needs_a_poison_is_measured_nowhere_and_null(finished_control: Run) -> None:
    results = control(finished_control, "results")
    assert set(results["attack"]) == {"unpoisoned"}
    assert not BY_POISONS & set(results["metric"])
    assert {"clean_accuracy", "retained_accuracy", "image_passes"} <= set(results["metric"])
    assert results["recall"].isna().all()
    rows = read_rows(finished_control.results / "pair/seed0/unpoisoned/rows.parquet").of("train")
    assert not rows.is_poisoned.any()


def test_an_unpoisoned_set_has_no_oracle_and_a_poisoned_one_beside_it_has(finished_control: Run) -> None:
    results = finished_control.table("results")
    methods = {study: set(rows["method"]) for study, rows in results.groupby("study")}
    assert methods["control"] == {"do_nothing", "finetune", "scrub", "fine_pruning"}
    assert methods["found"] == {"do_nothing", "oracle", "finetune"}
    assert not (finished_control.results / "pair/seed0/unpoisoned/resnet9/oracle").exists()


def test_the_fpr_of_a_deletion_set_is_its_share_of_the_training_rows(finished_control: Run) -> None:
    results = control(finished_control, "results")
    rows = read_rows(finished_control.results / "pair/seed0/unpoisoned/rows.parquet").of("train")
    sets = results.dropna(subset="deletion").drop_duplicates("deletion").set_index("deletion")
    assert set(sets.index) == {"own", "nobody", "top", "budget", "trusted", "drawn"}
    assert (sets["fpr"] == sets["size"] / len(rows)).all()
    assert (sets["size"]["budget"], sets["size"]["nobody"]) == (7, 0)
    assert sets["size"]["own"] > 0


def test_a_detector_that_accuses_nobody_leaves_the_model_as_it_is(finished_control: Run) -> None:
    folder = finished_control.results / "pair/seed0/unpoisoned/resnet9"
    deletion = read_deletion(folder / "nobody/deletion.parquet")
    assert (len(deletion.rows), deletion.recall, deletion.fdr, deletion.fpr) == (0, None, None, 0.0)
    results = control(finished_control, "results").query("metric == 'clean_accuracy' and class_name.isna()")
    values = results.set_index(results["deletion"].fillna("") + " " + results["method"])["value"]
    assert values["nobody finetune"] == values["nobody scrub"] == values[" do_nothing"]


def test_the_table_of_detectors_holds_the_false_alarms_of_the_twin(finished_control: Run) -> None:
    table = finished_control.table("detectors").set_index(["study", "deletion"])
    assert set(table.index) == {
        *(("control", name) for name in ("own", "nobody", "top", "budget", "trusted")),
        ("found", "own"),
        ("found", "nobody"),
    }
    twin = control(finished_control, "results").query("deletion == 'own'")["fpr"].iloc[0]
    for study in ("control", "found"):
        assert table.loc[(study, "own"), "false_alarm_rate"] == twin > 0
        assert table.loc[(study, "nobody"), "false_alarm_rate"] == 0
    assert table.loc["control", ["recall", "auroc", "average_precision"]].isna().all(axis=None)
    assert table.loc["found", ["recall", "auroc", "average_precision"]].notna().all(axis=None)
    assert len(pd.read_csv(finished_control.results / "tables/detectors.csv")) == len(table)


def test_no_method_is_called_best_where_there_is_nothing_to_repair(finished_control: Run) -> None:
    assert control(finished_control, "best").empty
    assert control(finished_control, "thresholds").empty
    references = control(finished_control, "references")
    assert references["method"].tolist() == ["do_nothing"]
    pairs = control(finished_control, "paired").query("class_name.isna() and metric == 'clean_accuracy'")
    assert {"do_nothing"} <= set(pairs["other"]) | set(pairs["method"])


def test_the_report_tells_a_control_from_an_attack(finished_control: Run) -> None:
    page = Visible((finished_control.results / "report.html").read_text()).text
    assert "Studies of an unpoisoned set plant nothing" in page
    assert "Nothing is planted: every training row counts as clean" in page
    assert "The data set pair is not poisoned" in page
    assert "false alarms, nothing planted" in page
    figures = {path.name for path in (finished_control.results / "figures").iterdir()}
    assert {"samples_control.png", "training_control.png"} <= figures


def test_a_partial_report_can_be_had(finished_control: Run) -> None:
    finished_control.command("partial")
    made = pd.read_parquet(finished_control.results / "partial/tables/detectors.parquet")
    pd.testing.assert_frame_equal(made, finished_control.table("detectors"))


# -- refused by the plan ----------------------------------------------------------------------------


def with_counts(**asked: float) -> Callable[[dict[str, Any]], None]:
    def change(whole: dict[str, Any]) -> None:
        whole["deletions"]["drawn"] = asked

    return change


def with_nearness_to_poisons(whole: dict[str, Any]) -> None:
    whole["deletions"]["drawn"]["bias"] = "similarity"


def with_a_trigger_to_show(whole: dict[str, Any]) -> None:
    whole["detectors"]["loss"] = {"detector": "influence", "triggered_examples": 2}


def with_an_option(whole: dict[str, Any]) -> None:
    whole["poisons"]["unpoisoned"] = {"count": 0}


def with_a_part(whole: dict[str, Any]) -> None:
    whole["poisons"]["both"] = {"poison": "several", "parts": ["patch", "unpoisoned"]}
    whole["studies"]["found"]["poison"] = "both"


def with_a_suspect_source(whole: dict[str, Any]) -> None:
    whole["sources"]["generated"]["suspect"] = True


def with_a_study_of_the_same_images_as_found(whole: dict[str, Any]) -> None:
    whole["poisons"]["as_found"] = {}
    whole["datasets"]["whole"] = {"source": "generated"}
    whole["studies"]["found"] |= {"poison": "as_found", "dataset": "whole", "deletions": ["own"]}


def with_an_attack_on_the_same_axis(whole: dict[str, Any]) -> None:
    whole["sources"]["generated"]["train_per_class"] = 2000
    whole["datasets"]["pair"]["keep"] = {}
    whole["poisons"]["mixed"] = {"poison": "unpoisoned"}
    whole["studies"]["control"] |= {
        "poison": "mixed",
        "deletions": ["top"],
        "vary": {"poison.poison": ["unpoisoned", "label_noise"]},
    }


def with_a_figure(whole: dict[str, Any]) -> None:
    whole["studies"]["control"] |= {"vary": {"deletion.fpr": [0.1, 0.2]}, "deletions": ["drawn"]}
    whole["figures"] = {"false_positives": {"studies": ["control"]}}


NO_MEANING = (
    "no training row is poisoned, so a set by {} has no meaning; allowed: a detector, a list of rows, or"
)
REFUSED: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (with_counts(recall=0.5), NO_MEANING.format("recall")),
    (with_counts(recall=1.0, fpr=0.1), NO_MEANING.format("recall")),
    (with_counts(recall=0.0, fdr=0.5), NO_MEANING.format("fdr")),
    (with_counts(size=10), NO_MEANING.format("size")),
    (with_counts(size=10, fpr=0.1), NO_MEANING.format("size")),
    (with_nearness_to_poisons, "an unpoisoned set has no poisons"),
    (with_a_trigger_to_show, "is shown examples of a planted trigger; in an unpoisoned set none is planted"),
    (with_an_option, "unknown option in poisons.unpoisoned: 'count'"),
    (with_a_part, "poisons.both: its part unpoisoned plants nothing"),
    (
        with_a_suspect_source,
        "poison 'unpoisoned' on dataset 'pair': found a suspect source, allowed: images that",
    ),
    (
        with_a_study_of_the_same_images_as_found,
        "found a suspect source, allowed: images that are known to be clean",
    ),
    (
        with_an_attack_on_the_same_axis,
        "studies.control: found attacks that are planted and an unpoisoned set",
    ),
    (
        with_a_figure,
        "figures.false_positives cannot show control, a study of an unpoisoned set: there is no attack",
    ),
]


@pytest.mark.parametrize(("change", "sentence"), REFUSED, ids=lambda part: getattr(part, "__name__", ""))
def test_what_has_no_meaning_without_a_poison_is_refused_in_one_line(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    whole = config(tmp_path)
    assert Plan(copy.deepcopy(whole)).cells
    change(whole)
    with pytest.raises(UserError) as error:
        Plan(whole)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
