"""A user's own network in the plan: one-line refusals, no execution of user code, and axes of networks."""

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import TINY

from unpoison.errors import UserError
from unpoison.runs.estimate import estimate
from unpoison.study.plan import Plan

OWN = {
    "model": {"python": "company.py:CompanyNet", "weights": "company.safetensors", "arguments": {"width": 4}},
    "recipe": "quick",
}
Planned = Callable[..., Plan]


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planned:
    """A function that plans a study with a training, in a folder with the network and its weights."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/company.safetensors").write_text("weights")
    (tmp_path / "company.py").write_text("import company_parts\nraise OSError\n\n\nclass CompanyNet: ...\n")
    (tmp_path / "company_parts.py").write_text("WIDTH = 4\n")
    (tmp_path / "broken.py").write_text("class CompanyNet(:\n")
    (tmp_path / "leaning.py").write_text("import broken\nCompanyNet = broken.CompanyNet\n")

    def plan(training: dict[str, Any], vary: dict[str, Any] | None = None, **model: Any) -> Plan:
        config = yaml.safe_load(TINY) | {"figures": {}}
        training = copy.deepcopy(training)
        if model:
            training["model"].update(model)
        config["trainings"] = {"company": training}
        del config["studies"]["imbalance"]
        config["studies"]["false_positives"] |= {"training": "company", "vary": vary or {}}
        return Plan(config)

    return plan


def test_a_users_network_is_planned_without_running_it(planned: Planned) -> None:
    plan = planned(OWN)
    assert plan.trainings["company"].options == {
        "python": "company.py:CompanyNet",
        "arguments": {"width": 4},
    }
    ours = Path(__file__).parents[1]  # this folder has another module `company`
    places = [
        Path(sys.modules[name].__file__ or "") for name in ("company", "company_parts") if name in sys.modules
    ]
    assert all(place.parent == ours for place in places)
    assert "training_false_positives" not in plan.all_figures


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no file": (
        {"python": "nofile.py:Net"},
        r"company\.python: found 'nofile.py:Net', and there is no file ",
    ),
    "no colon": ({"python": "company.py"}, r"company\.python: found 'company.py', allowed: file.py:Class"),
    "no such class": ({"python": "company.py:Companynet"}, r"company\.python: .* no class or function 'Comp"),
    "a syntax error": ({"python": "broken.py:CompanyNet"}, r"company\.python: .*broken.py, line 1: invalid"),
    "one in a helper": (
        {"python": "leaning.py:CompanyNet"},
        r"company\.python: .*broken.py, line 1: invalid",
    ),
    "a number": ({"python": 3}, r"company\.model\.python: found 3, allowed: string"),
    "no weights": ({"weights": "none.pt"}, r"company\.weights: no such file: data/none.pt"),
    "a folder of weights": ({"weights": "."}, r"company\.weights: no such file: data"),
    "an unknown key": (
        {"weigths": "x"},
        r"unknown key 'weigths' in trainings.company.model; choose from pyt",
    ),
    "a mean of 255": ({"mean": [125, 123, 114]}, r"company\.model\.mean\.0: found 125, allowed: 1 or less"),
    "two means": ({"mean": [0.5, 0.5]}, r"company\.model\.mean: found .*, allowed: at least 3 entries"),
    "four means": ({"mean": [0.5] * 4}, r"company\.model\.mean: found .*, allowed: at most 3 entries"),
    "no deviation": ({"deviation": [0, 1, 1]}, r"company\.model\.deviation\.0: found 0, allowed: above 0"),
    "no size": ({"image_size": 0}, r"company\.model\.image_size: found 0, allowed: 1 or more"),
    "arguments in a list": ({"arguments": [1]}, r"company\.model\.arguments: found \[1\], allowed: object"),
    "arguments in arguments": (
        {"arguments": {"a": {"b": 1}}},
        r"company\.arguments: found .*, allowed: a mapp",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_users_network_is_refused_in_one_line(case: str, planned: Planned) -> None:
    model, words = REFUSED[case]
    with pytest.raises(UserError, match=words) as error:
        planned(OWN, **model)
    assert "\n" not in str(error.value)


def test_a_key_beside_the_model_that_stands_in_it_too_is_refused(planned: Planned) -> None:
    with pytest.raises(UserError, match="company: 'weights' is given both in model and outside it"):
        planned({**OWN, "weights": "company.safetensors"})


def test_an_option_of_a_training_that_no_study_uses_is_refused() -> None:
    config = yaml.safe_load(TINY)
    config["trainings"]["idle"] = {"recipe": "quick", "widht": 3}
    with pytest.raises(UserError, match=r"unknown option in trainings\.idle: 'widht'"):
        Plan(config)


def test_results_are_not_written_over_given_weights(planned: Planned, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results/company.safetensors").write_text("weights")
    with pytest.raises(UserError, match="results_folder 'results' holds the data"):
        planned(OWN, weights="../results/company.safetensors")


AXES = {
    "preact_resnet18": ({"model": "preact_resnet18"}, "width", [4, 8]),
    "wide_resnet": ({"model": "wide_resnet", "depth": 10}, "width", [1, 2]),
    "timm": ({"model": "timm"}, "name", ["test_vit", "resnet18"]),
    "a user's": ({key: OWN[key] for key in ("model",)}, "arguments.width", [4, 8]),
}


@pytest.mark.parametrize("case", AXES)
def test_an_option_of_a_network_is_an_axis(case: str, planned: Planned) -> None:
    training, option, values = AXES[case]
    plan = planned({**training, "recipe": "quick"}, vary={f"training.{option}": values})
    names = [f"company@{option}={value}" for value in values]
    assert {cell.training for cell in plan.cells} == set(names)
    *folders, last = option.split(".")
    for name, value in zip(names, values, strict=True):
        options = plan.trainings[name].options
        for folder in folders:
            options = options[folder]
        assert options[last] == value


def test_a_config_with_a_timm_model_is_refused_where_timm_is_missing(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UserError, match=r"^trainings\.company: the library timm .*'unpoison\[timm\]'$"):
        planned({"model": "timm", "name": "test_vit", "recipe": "quick"})


def test_given_weights_are_not_counted_as_a_training(planned: Planned) -> None:
    jobs = {"train_base": 1, "unlearn": 1}
    given, trained = (
        list(estimate(plan, jobs, lambda _: (360.0, 1)))[3]
        for plan in (planned(OWN), planned({"model": "resnet9", "recipe": "quick"}))
    )
    hours = [float(line.split()[1]) for line in (given, trained)]
    assert hours[0] == pytest.approx(hours[1] / 2, rel=0.1)
