"""Training from scratch starts from untrained weights, never from those of the model to repair."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import planted
import pytest
import tiny
import torch
from safetensors.torch import save_file

from unpoison.contracts.request import Request
from unpoison.data import Data
from unpoison.detectors import DETECTORS
from unpoison.given_weights import load_given
from unpoison.networks import Architecture, Classifier
from unpoison.plugins import Plugins
from unpoison.poisons import trigger_of
from unpoison.recipes import Recipe
from unpoison.steps import training
from unpoison.steps.repairing import repair_model, request_of
from unpoison.steps.scoring import run_detector
from unpoison.steps.setting import Setting, untrained
from unpoison.steps.training import train_model
from unpoison.unlearning import METHODS

CPU = torch.device("cpu")
KIND = Architecture("resnet9", {"width": 2}, tiny.CLASS_NAMES, tiny.IMAGE_SIZE)
SETTING = Setting(seed=4, device=CPU, precision="float32")
MARK = 0.0123  # the value of every given weight; no untrained weight has it
# All methods that ask for an untrained network, with their options.
METHODS_THAT_ASK: dict[str, dict[str, Any]] = {
    "negative_learning": {"length": 0.2},
    "retrain": {},
    "bad_teacher": {"length": 0.5},
    "rem": {"removal_passes": 2, "length": 0.5},
}
DETECTORS_THAT_ASK: dict[str, dict[str, Any]] = {
    "confident_learning": {"folds": 2, "length": 0.2},
    "left_out": {"length": 0.2},
    "loss": {"early": True},
}


@pytest.fixture
def given(tmp_path: Path) -> Callable[[float], Classifier]:
    """A function that returns a model to repair whose weights and statistics all have one value."""

    def make(value: float = MARK) -> Classifier:
        weights = KIND.new(0).network.state_dict()
        marked = {
            name: torch.full(tensor.shape, value) if tensor.is_floating_point() else tensor
            for name, tensor in weights.items()
        }
        save_file(marked, tmp_path / "given.safetensors")
        return load_given(tmp_path / "given.safetensors", KIND)

    return make


class Watched:
    """The function that makes untrained networks; it records each network and its initial weights."""

    def __init__(self, model: Classifier) -> None:
        self._new = untrained(model, CPU)
        self.gave: list[tuple[Classifier, dict[str, torch.Tensor]]] = []

    def __call__(self, seed: int) -> Classifier:
        model = self._new(seed)
        self.gave.append((model, copied(model)))
        return model


def copied(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def is_marked(weights: dict[str, torch.Tensor]) -> bool:
    return any(bool((tensor == MARK).any()) for tensor in weights.values() if tensor.is_floating_point())


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.fixture
def data(poisoned_data: Callable[[str], Any], stored: np.ndarray) -> Data:
    """The patched data set."""
    case = poisoned_data("patch")
    return Data.of_rows(stored, case.rows, trigger_of("patch", case.options))


@pytest.mark.parametrize("registry", [METHODS, DETECTORS], ids=lambda registry: registry.what)
def test_no_other_file_asks_for_a_new_network(registry: Plugins) -> None:
    asking = {
        path.stem
        for path in registry.folder.glob("*.py")
        if any(word in path.read_text() for word in ("new_model", ".new("))
    }
    assert asking == set(METHODS_THAT_ASK if registry is METHODS else DETECTORS_THAT_ASK)


def test_the_mark_is_seen(given: Callable[..., Classifier]) -> None:
    assert is_marked(given().state_dict())
    assert not is_marked(KIND.new(0).state_dict())


@pytest.mark.parametrize("method", METHODS_THAT_ASK)
def test_a_methods_new_networks_are_untrained_ones(
    method: str,
    given: Callable[..., Classifier],
    data: Data,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, made = given(), []

    def watch(of: Classifier, device: torch.device) -> Watched:
        made.append(Watched(of))
        return made[-1]

    monkeypatch.setattr("unpoison.steps.repairing.untrained", watch)
    recipe = Recipe(learning_rate=0.01, batch_size=16, epochs=1)
    request = request_of(data, model, np.arange(8), recipe, SETTING)
    repair_model(request, method, METHODS_THAT_ASK[method])
    assert [is_marked(weights) for _, weights in made[0].gave] == [False]
    if method == "bad_teacher":
        teacher, weights = made[0].gave[0]
        assert equal(copied(teacher), weights), "its untrained teacher learns nothing"


@pytest.mark.parametrize("detector", DETECTORS_THAT_ASK)
def test_a_detectors_new_networks_are_untrained_ones(detector: str, given: Callable[..., Classifier]) -> None:
    found = []
    for value in (MARK, 2 * MARK):
        model = given(value)
        watched = Watched(model)
        case = planted.case(planted.rows_of("patch"), triggered=0, model=model, new_model=watched)
        scores, _ = run_detector(DETECTORS[detector], case.evidence, DETECTORS_THAT_ASK[detector])
        assert watched.gave
        assert not any(is_marked(weights) for _, weights in watched.gave)
        found.append(scores.training)
    assert np.array_equal(*found), "its scores do not depend on the given weights"


def test_exact_unlearning_is_the_same_whatever_the_given_weights(
    given: Callable[..., Classifier], make_request: Callable[..., Request]
) -> None:
    models = [given(value) for value in (MARK, 2 * MARK)]
    requests = [make_request(range(8), model=model, new_model=untrained(model, CPU)) for model in models]
    first, second = (copied(repair_model(request, "retrain", {})[0]) for request in requests)
    assert equal(first, second)


@pytest.mark.parametrize("role", ["oracle", "surrogate"])
def test_no_role_but_the_base_model_has_the_given_weights(
    role: str,
    given: Callable[..., Classifier],
    data: Data,
    recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind, begun = given().kind, []
    assert kind is not None
    monkeypatch.setattr(training, "train", lambda model, *_, **__: begun.append(copied(model)) or [])
    train_model(data, kind, recipe, SETTING, role=role)
    assert [is_marked(weights) for weights in begun] == [False]
    assert equal(begun[0], copied(KIND.new(SETTING.seed_of(role))))
