"""The plan: typed records, resolved and checked once."""

from dataclasses import FrozenInstanceError, fields
from types import SimpleNamespace

import pytest
from test_refused import DEMO, changed

from unpoison.errors import UserError
from unpoison.identity.specs import Specs
from unpoison.study import resolve
from unpoison.study.describe import describe_study
from unpoison.study.plan import Plan


def test_options_are_filled_in_once_and_never_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(DEMO)
    assert plan.methods["finetune"].options["last"] is None, "a default"

    def refuse(*_: object) -> None:
        raise AssertionError("options are checked again")

    monkeypatch.setattr(resolve, "check_options", refuse)
    specs = Specs(plan)
    for cell in plan.cells:
        names = SimpleNamespace(**vars(cell))
        assert specs.train_base(names)["model"]["options"] == plan.trainings[cell.training].options
        if cell.method in plan.methods:
            assert specs.unlearn(names)["options"] == plan.methods[cell.method].options
    assert all(describe_study(plan, name) for name in plan.studies)


def test_records_cannot_be_changed() -> None:
    plan = Plan(DEMO)
    kinds = (
        plan.sources,
        plan.datasets,
        plan.poisons,
        plan.trainings,
        plan.deletions,
        plan.methods,
        plan.studies,
    )
    for record in (plan.settings, *(next(iter(records.values())) for records in kinds)):
        with pytest.raises(FrozenInstanceError):
            setattr(record, fields(record)[0].name, "other")


def test_a_variant_is_its_entry_with_the_varied_keys_set() -> None:
    plan = Plan(DEMO)
    dataset = plan.datasets["catdog@keep.cat=0.4"]
    assert (dataset.base, dataset.varied) == ("catdog", {"keep.cat": 0.4})
    assert dataset.keep["cat"] == 0.4
    assert dataset.source is plan.sources["generated"]


def test_a_data_set_and_a_training_of_one_name_are_both_checked_with_a_method() -> None:
    config = changed("trainings/catdog", DEMO["trainings"]["resnet9"])
    config = changed(
        "studies", {"imbalance": {**DEMO["studies"]["imbalance"], "training": "catdog", "vary": {}}}, config
    )
    config = changed("methods/finetune/last", 99, config)
    config = changed("figures", {}, config)
    with pytest.raises(UserError, match=r"methods\.finetune\.last: found 99"):
        Plan(config)


def test_a_list_of_rows_beside_a_detector_is_refused() -> None:
    config = changed("detectors", {"spectral_signatures": {}})
    both = {"rows": "mine.csv", "detector": "spectral_signatures"}
    config = changed("deletions/everything_found", both, config)
    with pytest.raises(UserError, match="rows is a whole deletion set; found also detector"):
        Plan(config)
