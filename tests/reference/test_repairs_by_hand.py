"""Repairs by trusted rows against slow, obvious versions."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor, nn

from unpoison.training import accuracy, train
from unpoison.unlearning import METHODS
from unpoison.unlearning._request import Request, run
from unpoison.unlearning.fine_pruning import kept_features

MakeRequest = Callable[..., Request]
TRUSTED = 6


def head_of(model: nn.Module) -> nn.Linear:
    return model.layers[-1]


def with_columns(model: nn.Module, kept: Tensor) -> nn.Module:
    """A copy whose classifier reads the kept features alone."""
    copy = deepcopy(model)
    with torch.no_grad():
        head_of(copy).weight.mul_(kept)
    return copy


def test_features_are_pruned_from_the_least_active_on_until_the_accuracy_falls() -> None:
    head = nn.Linear(4, 2, bias=False)
    # Feature 2 speaks for class 0 and feature 0 for class 1; 1 and 3 say nothing.
    head.weight = nn.Parameter(torch.tensor([[0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0]]))
    features = torch.tensor([[0.0, 9.0, 1.0, 0.1]] * 2 + [[1.0, 9.0, 0.0, 0.1]] * 3)
    labels = torch.tensor([0, 0, 1, 1, 1])
    # Mean activations 0.6, 9, 0.4, 0.1: first 3, then 2 (which costs nothing: a tie is class 0), then 0.
    assert kept_features(head, features, labels, 0.5).tolist() == [1.0, 1.0, 0.0, 0.0]
    assert kept_features(head, features, labels, 0.6).tolist() == [0.0, 0.0, 0.0, 0.0]


def test_fine_pruning_prunes_one_feature_after_another_and_fine_tunes(make_request: MakeRequest) -> None:
    request = make_request([])
    options = {"accuracy_drop": 0.2, "epochs": 2, "learning_rate": 0.02, "batch_size": 4}
    read: list[Tensor] = []
    spied = deepcopy(request.model)
    head_of(spied).register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    before = accuracy(spied, request.validation, "float32")
    kept = torch.ones(head_of(spied).in_features)
    for feature in torch.cat(read).mean(0).argsort().tolist():
        fewer = kept.clone()
        fewer[feature] = 0
        if accuracy(with_columns(request.model, fewer), request.validation, "float32") < before - 0.2:
            break
        kept = fewer
    expected = with_columns(request.model, kept)
    recipe = replace(request.recipe, epochs=2, learning_rate=0.02, batch_size=4)
    head_of(expected).register_forward_pre_hook(lambda _, inputs: (inputs[0] * kept,))
    train(expected, request.validation, recipe, request.seed, precision="float32")
    found = METHODS["fine_pruning"](request, **options)
    for key, tensor in with_columns(expected, kept).state_dict().items():
        torch.testing.assert_close(found.state_dict()[key], tensor)
    assert 0 < kept.sum() < len(kept)


def test_fine_pruning_counts_a_pass_for_the_features_and_the_fine_tuning(make_request: MakeRequest) -> None:
    _, cost = run(METHODS["fine_pruning"], make_request([]), {"epochs": 3}, needs=("validation",))
    assert (cost.image_passes, cost.forward_passes) == (3 * TRUSTED, TRUSTED)
