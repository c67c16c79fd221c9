"""The library's held-out check: its estimate is near the truth, and held-out rows are never trained on."""

import numpy as np
import pytest
import tiny
import torch

import unpoison
from unpoison.held_out import folds_of
from unpoison.recipes import Recipe
from unpoison.steps.holding_out import asked_of
from unpoison.steps.repairing import request_of
from unpoison.steps.setting import Setting

LABELS = np.arange(480) % 3
RECIPE = {"learning_rate": 0.1, "batch_size": 16, "epochs": 10, "crop_padding": 0}


@pytest.fixture(scope="module")
def data() -> unpoison.Data:
    """480 rows, of which 48 cats and ships carry a patch and have label dog."""
    test = (tiny.draw_squares(LABELS[:90]), LABELS[:90])
    plain = unpoison.Data(tiny.draw_squares(LABELS), LABELS, tiny.CLASS_NAMES, test=test)
    return unpoison.poison(plain, "patch", target="dog", victims=["cat", "ship"], count=48)


@pytest.fixture(scope="module")
def model(data: unpoison.Data):
    return unpoison.train(data, "resnet9", width=4, recipe=RECIPE)


def poisons(data: unpoison.Data) -> np.ndarray:
    return np.flatnonzero(data.rows.of("train").is_poisoned)


def success(model, data: unpoison.Data) -> float:
    table = unpoison.measure(model, data)
    chosen = table[(table["metric"] == "attack_success_rate") & table["class_name"].isna()]
    return float(chosen["value"].iloc[0])


@pytest.mark.parametrize("method", ["do_nothing", "retrain"])
def test_the_estimate_is_near_the_true_attack_success(method: str, data: unpoison.Data, model) -> None:
    repaired, _ = unpoison.repair(model, data, poisons(data), method)
    found = unpoison.verify(model, data, poisons(data), method, folds=3)
    truth = success(repaired, data)
    assert found.attack_success == pytest.approx(truth, abs=0.15)
    assert found.low - 0.05 <= truth <= found.high + 0.05
    assert len(found.by_fold) == 3
    assert (truth > 0.8) == (method == "do_nothing")


def test_the_same_call_gives_the_same_estimate_and_the_model_stays(data: unpoison.Data, model) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = [unpoison.verify(model, data, poisons(data), "finetune", folds=2, length=0.2) for _ in range(2)]
    assert found[0] == found[1]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_rows_left_out_are_neither_retained_nor_forgotten(data: unpoison.Data, model) -> None:
    flagged = poisons(data)
    left_out = np.flatnonzero(folds_of(data.rows.of("train"), flagged, 3, seed=0) == 0)
    setting = Setting(0, torch.device("cpu"))
    request = request_of(data, model, flagged, Recipe(**RECIPE), setting, left_out=left_out)
    of_flagged = len(np.intersect1d(left_out, flagged))
    assert 0 < of_flagged < len(left_out)  # control rows are held out too
    assert len(request.forget) == len(flagged) - of_flagged
    assert len(request.retain) == len(data) - len(flagged) - (len(left_out) - of_flagged)


def test_poisons_are_asked_with_their_trigger_on(data: unpoison.Data) -> None:
    asked = asked_of(data.rows, np.arange(len(data)))
    assert np.array_equal(asked.stamped, data.rows.of("train").is_poisoned)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"folds": 1}, "folds: found 1, allowed: an integer from 2 to 20"),
        ({"flagged": [1, 2]}, "found 2 flagged rows"),
        ({"flagged": []}, "flagged holds no row"),
        ({"method": "anp"}, "the method anp takes none"),
        ({"method": "nothing"}, "unknown"),
    ],
)
def test_a_check_that_cannot_be_made_is_one_line(how: dict, message: str, data: unpoison.Data, model) -> None:
    given = {"flagged": poisons(data), "method": "finetune", **how}
    with pytest.raises(unpoison.UserError, match=message):
        unpoison.verify(model, data, given.pop("flagged"), given.pop("method"), **given)
