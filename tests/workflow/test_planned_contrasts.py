"""A contrast of missing models is refused in one line, and a changed contrast reruns only the tables."""

import copy
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from unpoison.errors import UserError
from unpoison.identity.specs import Specs
from unpoison.study.plan import Plan

DEMO = yaml.safe_load((Path(__file__).parents[2] / "config" / "demo.yaml").read_text())
BOTH, COST = ["retrain", "finetune"], {"deletion.fpr": [0.0, 0.4]}


def with_contrast(contrast: dict, study: str = "false_positives_fpr") -> dict:
    config = copy.deepcopy(DEMO)
    config["studies"][study]["contrasts"] = {"x": contrast}
    return config


def accuracy(methods: list[str], **keys: object) -> dict:
    return {"metric": "clean_accuracy", "methods": methods, **keys}


def healed(methods: list[str], **keys: object) -> dict:
    return {"metric": "healed", "methods": methods, **keys}


WHERE = "studies.false_positives_fpr.contrasts.x"
REFUSED = {
    "metric": (
        accuracy(BOTH) | {"metric": "accuracy"},
        f"unknown metric in {WHERE}: 'accuracy'; choose from",
    ),
    "method": (
        accuracy(["retrain", "scrub"]),
        f"unknown method in {WHERE}: 'scrub'; choose from do_nothing, finetune",
    ),
    "three methods": (accuracy([*BOTH, "oracle"]), "at most 2 entries"),
    "one method": (accuracy(["retrain"]), f"{WHERE} compares nothing: found one method and no along"),
    "key": (accuracy(BOTH, at={"deletion.fdr": 0.4}), "unknown key in"),
    "value": (
        accuracy(BOTH, at={"deletion.fpr": 0.3}),
        f"{WHERE}: found deletion.fpr 0.3, allowed: 0.0, 0.4",
    ),
    "boolean": (accuracy(BOTH, at={"deletion.fpr": False}), "found deletion.fpr False, allowed: 0.0, 0.4"),
    "end": (accuracy(BOTH, along={"deletion.fpr": [0.0, 0.3]}), "found deletion.fpr 0.3, allowed: 0.0, 0.4"),
    "class": (accuracy(BOTH, class_name="cta"), f"unknown class in {WHERE}: 'cta'; choose from airplane"),
    "fixed and compared": (
        accuracy(BOTH, along=COST, at={"deletion.fpr": 0.4}),
        "in along and in at, allowed: one",
    ),
    "reference along": (
        accuracy(["retrain", "oracle"], along=COST),
        "with oracle, whose model is the same for all its",
    ),
    "no margin at all": (accuracy(BOTH, margin=0), "margin: found 0, allowed: above 0"),
    "healed of a reference": (
        healed(["retrain", "do_nothing"]),
        "found do_nothing, allowed: methods of the study",
    ),
    "healed within a margin": (healed(BOTH, margin=0.1), "equivalence is not tested for healed"),
    "healed over settings": (
        healed(BOTH),
        "found several values of deletion.fpr, allowed: one, named under at",
    ),
    "healed of four models": (healed(BOTH, along=COST), "found two methods and along, allowed: one of them"),
}


@pytest.mark.parametrize(("contrast", "line"), REFUSED.values(), ids=REFUSED)
def test_a_contrast_of_what_is_not_there_is_refused(contrast: dict, line: str) -> None:
    with pytest.raises(UserError) as error:
        Plan(with_contrast(contrast))
    assert line in str(error.value)


def test_sets_without_a_row_are_refused() -> None:
    config = with_contrast(accuracy(BOTH, at={"deletion.recall": 0.0, "deletion.fpr": 0.0}))
    config["studies"]["false_positives_fpr"]["vary"]["deletion.recall"] = [0.0, 1.0]
    with pytest.raises(UserError, match="without a row to forget; allowed: one with rows"):
        Plan(config)


def test_healed_is_refused_where_nothing_is_planted() -> None:
    config = with_contrast(healed(BOTH, at={"deletion.fpr": 0.4}))
    config["poisons"]["patch"] = {"poison": "unpoisoned"}
    config["deletions"]["everything_found"] = {"recall": 0.0}
    config["studies"] = {"false_positives_fpr": config["studies"]["false_positives_fpr"]}
    config["studies"]["false_positives_fpr"]["vary"] = {"deletion.fpr": [0.2, 0.4]}
    config["figures"] = {}
    with pytest.raises(
        UserError, match="healed is judged by the oracle, and studies of unpoisoned data have none"
    ):
        Plan(config)


def test_a_changed_contrast_is_in_the_spec_of_the_tables_and_of_no_model() -> None:
    plain, other = (Plan(with_contrast(accuracy(BOTH, margin=margin))) for margin in (0.01, 0.02))
    wildcards = SimpleNamespace()
    assert Specs(plain).make_tables(wildcards) != Specs(other).make_tables(wildcards)
    assert Specs(plain).collect_results(wildcards) == Specs(other).collect_results(wildcards)
    assert Specs(plain).write_report(wildcards) != Specs(other).write_report(wildcards)


def test_a_default_that_is_written_out_changes_no_spec() -> None:
    plain, written = (Plan(with_contrast(accuracy(BOTH, **keys))) for keys in ({}, {"at": {}, "along": {}}))
    assert Specs(plain).make_tables(SimpleNamespace()) == Specs(written).make_tables(SimpleNamespace())
