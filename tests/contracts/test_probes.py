"""Contract tests of all probes."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from unpoison.asking import ask
from unpoison.contracts.request import Request
from unpoison.data import Data
from unpoison.probes import PROBES
from unpoison.seeds import derive_seed
from unpoison.steps.probing import ask_probed
from unpoison.steps.repairing import run_method
from unpoison.training import train

FORGOTTEN = range(8)
every_probe = pytest.mark.parametrize("name", list(PROBES))
MakeRequest = Callable[..., Request]


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return deepcopy(model.state_dict())


def are_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@every_probe
def test_a_probe_changes_a_copy_and_leaves_the_model_as_it_is(name: str, make_request: MakeRequest) -> None:
    request = make_request(FORGOTTEN)
    before = state(request.model)
    probed, _ = run_method(PROBES[name], request, {}, needs=("retain",))
    assert are_equal(before, state(request.model))
    assert not are_equal(before, state(probed))
    assert not probed.training
    again, _ = run_method(PROBES[name], request, {}, needs=("retain",))
    assert are_equal(state(probed), state(again))
    other, _ = run_method(PROBES[name], make_request(FORGOTTEN, seed=6), {}, needs=("retain",))
    assert not are_equal(state(probed), state(other))


@every_probe
def test_a_probe_learns_nothing_of_forgotten_rows(name: str, make_request: MakeRequest) -> None:
    request = make_request(FORGOTTEN)
    fewer = replace(request, forget=request.forget.take(torch.arange(1)))
    first, second = (run_method(PROBES[name], part, {}, needs=("retain",))[0] for part in (request, fewer))
    assert are_equal(state(first), state(second))


def test_relearning_is_a_short_training_on_the_retain_set(make_request: MakeRequest) -> None:
    request = make_request(FORGOTTEN)
    probed, cost = run_method(PROBES["relearning"], request, {"length": 0.5}, needs=("retain",))
    expected = deepcopy(request.model)
    seed = derive_seed("relearning", request.seed)
    train(expected, request.retain, request.recipe, seed, precision="float32", length=0.5)
    assert are_equal(state(probed), state(expected))
    assert cost.image_passes == len(request.retain)  # half of two epochs


@every_probe
def test_a_probed_model_is_asked_the_same_questions(
    name: str, make_request: MakeRequest, stored: np.ndarray, patched: SimpleNamespace
) -> None:
    data = Data.of_rows(stored, patched.rows, patched.stamp)
    request = make_request(FORGOTTEN)
    as_it_is = ask(data, request.model, "float32")
    probed = ask_probed(data, request.model, request, name, {})
    assert probed.row.tolist() == as_it_is.row.tolist()
    assert probed.stamped.tolist() == as_it_is.stamped.tolist()
    assert probed.predicted_log_odds.tolist() != as_it_is.predicted_log_odds.tolist()
    assert ask(data, request.model, "float32").predicted_log_odds.tolist() == (
        as_it_is.predicted_log_odds.tolist()
    )
