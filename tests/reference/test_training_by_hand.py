"""Training, finetune and retrain against one slow, obvious loop."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from arithmetic import PASS, assert_same
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.examples import Examples
from unpoison.recipes import Recipe
from unpoison.training import train
from unpoison.unlearning import METHODS

MakeRequest = Callable[..., Request]
FORGET = range(0, 54, 5)
STEPS = 6  # of the longest training here; rounding errors accumulate over the steps


def train_by_hand(model: nn.Module, examples: Examples, recipe: Recipe, seed: int, steps: int) -> nn.Module:
    """SGD with momentum and weight decay as the textbook writes it, one parameter at a time."""
    model.train()
    velocity: dict[str, Tensor] = {}
    warm = max(1, round(recipe.warmup * steps))
    for step, (images, labels) in enumerate(examples.batches(recipe, seed, steps=steps), start=1):
        if step <= warm:
            rate = recipe.learning_rate * step / warm
        else:
            rate = recipe.learning_rate * (1 - (step - warm) / (recipe.decay_span * steps - warm + 1))
        names, parameters = zip(*model.named_parameters(), strict=True)
        gradients = torch.autograd.grad(cross_entropy(model(images), labels), parameters)
        with torch.no_grad():
            for name, parameter, gradient in zip(names, parameters, gradients, strict=True):
                pull = gradient + recipe.weight_decay * parameter
                velocity[name] = recipe.momentum * velocity[name] + pull if name in velocity else pull
                parameter.sub_(rate * velocity[name])
    return model.eval()


def assert_same_network(found: nn.Module, expected: nn.Module) -> None:
    assert_same(found, expected, terms=STEPS * PASS)


@pytest.fixture
def strict(recipe: Recipe) -> Recipe:
    """A recipe in which every term of the update matters."""
    return replace(recipe, weight_decay=0.05, warmup=0.3, learning_rate=0.02)


def test_train_is_sgd_with_momentum_and_weight_decay(
    make_request: MakeRequest, new_model: Callable[[int], nn.Module], strict: Recipe
) -> None:
    retain = make_request(FORGET).retain
    found, expected = new_model(2), new_model(2)
    train(found, retain, strict, seed=8, precision="float32")
    assert_same_network(found, train_by_hand(expected, retain, strict, seed=8, steps=6))


def test_finetune_goes_on_training_a_copy_on_the_retain_set(
    make_request: MakeRequest, strict: Recipe
) -> None:
    request = make_request(FORGET, recipe=strict)
    expected = train_by_hand(deepcopy(request.model), request.retain, strict, request.seed, steps=3)
    assert_same_network(METHODS["finetune"](request, length=0.5), expected)


def test_finetune_takes_a_rate_of_its_own(make_request: MakeRequest, strict: Recipe) -> None:
    request = make_request(FORGET, recipe=strict)
    slower = replace(strict, learning_rate=0.005)
    expected = train_by_hand(deepcopy(request.model), request.retain, slower, request.seed, steps=6)
    assert_same_network(METHODS["finetune"](request, length=1.0, learning_rate=0.005), expected)


def test_retrain_trains_a_fresh_network_on_the_retain_set(make_request: MakeRequest, strict: Recipe) -> None:
    request = make_request(FORGET, recipe=strict)
    expected = train_by_hand(request.new_model(request.seed), request.retain, strict, request.seed, steps=6)
    assert_same_network(METHODS["retrain"](request), expected)


def test_retrain_owes_nothing_to_the_poisoned_model(
    make_request: MakeRequest, new_model: Callable[[int], nn.Module]
) -> None:
    first = METHODS["retrain"](make_request(FORGET))
    second = METHODS["retrain"](make_request(FORGET, model=new_model(77)))
    for key, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[key])
