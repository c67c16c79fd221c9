"""REM against slow, obvious loops: both phases, the gates, and that what is dropped leaves nothing behind."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from arithmetic import PASS, assert_same
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.features import classifier_of
from unpoison.recipes import Recipe
from unpoison.seeds import derive_seed
from unpoison.steps.repairing import run_method as run
from unpoison.unlearning import METHODS
from unpoison.unlearning.rem import Gated, gates_of, mixed, redirect, remove

FORGET = range(8)
STEPS = 6  # of the longest training here; each carries on the roundings of those before


class ByHand:
    """SGD with momentum and weight decay as the textbook writes it."""

    def __init__(self, parameters: list[nn.Parameter], recipe: Recipe) -> None:
        self.parameters, self.recipe = parameters, recipe
        self.velocity = [torch.zeros_like(weights) for weights in parameters]

    def step(self, loss: Tensor, rate: float) -> None:
        gradients = torch.autograd.grad(loss, self.parameters)
        for weights, velocity, gradient in zip(self.parameters, self.velocity, gradients, strict=True):
            velocity.mul_(self.recipe.momentum).add_(gradient + self.recipe.weight_decay * weights.detach())
            weights.data -= rate * velocity


def assert_same_network(found: nn.Module, expected: nn.Module) -> None:
    assert_same(found, expected, terms=STEPS * PASS)


@pytest.fixture
def request_(make_request: Callable[..., Request], recipe: Recipe) -> Request:
    """8 rows to forget and 46 to retain: batches of 2 and 14, so 46 is 14 + 14 + 14 + 4."""
    return make_request(FORGET, recipe=replace(recipe, weight_decay=0.05, warmup=0.3, learning_rate=0.02))


def test_the_removal_by_hand_is_npo_at_a_constant_rate_without_the_retain_set(request_: Request) -> None:
    expected, base, beta = deepcopy(request_.model).eval(), deepcopy(request_.model).eval(), 0.8
    hand, seed = ByHand(list(expected.parameters()), request_.recipe), derive_seed("forget", request_.seed)
    for images, labels in request_.forget.batches(request_.recipe, seed, steps=2):
        each = torch.arange(len(labels))
        p = torch.softmax(expected(images), 1)[each, labels]
        p0 = torch.softmax(base(images), 1)[each, labels].detach()
        hand.step((2 / beta * torch.log(1 + (p / p0) ** beta)).mean(), 0.02)
    found = deepcopy(request_.model).train()
    blank = replace(request_.retain, labels=torch.full_like(request_.retain.labels, 99))
    remove(
        found, replace(request_, retain=blank), request_.recipe, steps=2, enough=0.0, inverse_temperature=beta
    )
    assert_same_network(found, expected)


def test_the_removal_ends_once_the_given_labels_are_no_longer_predicted(
    request_: Request, capsys: pytest.CaptureFixture[str]
) -> None:
    still = replace(request_.recipe, crop_padding=0, flip=False)
    model = deepcopy(request_.model)
    remove(model, request_, still, steps=200, enough=0.2, inverse_temperature=1.0)
    lines = capsys.readouterr().out.splitlines()
    shares = [float(line.split()[-1].rstrip("%")) for line in lines]
    assert 1 < len(shares) < 200
    assert min(shares[:-1]) >= 20 > shares[-1]


def test_the_redirection_by_hand(request_: Request) -> None:
    recipe, beta = request_.recipe, 0.8
    expected, base = deepcopy(request_.model), deepcopy(request_.model).eval()
    beside = request_.new_model(derive_seed("dropped network", request_.seed)).train()
    head = beside.network.layers[-1]
    own, shared = (part.float() for part in gates_of(request_, head.in_features, 0.5))
    forget_recipe, retain_recipe = replace(recipe, batch_size=2), replace(recipe, batch_size=14)
    seed, steps = derive_seed("forget", request_.seed), 4  # 0.5 of two epochs of four batches of 54 rows
    hand = ByHand([*expected.parameters(), *beside.parameters()], recipe)
    for step, ((images, rows), (others, labels)) in enumerate(
        zip(
            request_.retain.numbered().batches(retain_recipe, request_.seed, steps=steps),
            request_.forget.batches(forget_recipe, seed, steps=steps),
            strict=True,
        )
    ):
        features = beside.network.layers[:-1](beside.prepared(torch.cat([images, others])))
        added = (features * torch.cat([own[rows], shared, shared])) @ head.weight.T
        alone = expected.eval()(others)
        kept = expected.train()(images) + added[: len(rows)]
        losses = [
            *cross_entropy(kept, request_.retain.labels[rows], reduction="none"),
            *cross_entropy(alone + added[len(rows) :], labels, reduction="none"),
        ]
        each = torch.arange(len(labels))
        p = torch.softmax(alone, 1)[each, labels]
        p0 = torch.softmax(base(others), 1)[each, labels].detach()
        held_off = (2 / beta * torch.log(1 + (p / p0) ** beta)).mean()
        hand.step(torch.stack(losses).mean() + held_off, recipe.rate(step, steps))
    found = deepcopy(request_.model)
    dropped = request_.new_model(derive_seed("dropped network", request_.seed)).train()
    beside_it = Gated(dropped, classifier_of(dropped, request_.retain))
    redirect(found, beside_it, request_, recipe, length=0.5, share=0.5, inverse_temperature=beta)
    assert_same_network(found, expected)


def test_a_network_behind_closed_gates_adds_nothing_even_where_its_last_layer_has_a_bias() -> None:
    head = nn.Linear(4, 3, bias=True)
    beside = Gated(nn.Sequential(nn.Linear(2, 4), head), head)
    images = torch.rand(5, 2)
    assert torch.equal(beside.behind(torch.zeros(5, 4))(images), torch.zeros(5, 3))
    assert beside.behind(torch.ones(5, 4))(images).abs().min() > 0


def test_the_deletion_set_shares_its_gates_and_each_retained_row_keeps_its_own(request_: Request) -> None:
    own, shared = gates = gates_of(request_, 8, 0.25)
    assert own.shape == (46, 8)
    assert own.sum(1).tolist() == [2] * 46
    assert shared.sum() == 2
    assert len({tuple(row.tolist()) for row in own}) > 10
    for _, _, base, opened in mixed(request_, request_.recipe, 4, gates):
        assert torch.equal(opened[-len(base) :], shared.expand(2, -1))
    assert gates_of(request_, 8, 0.0)[1].sum() == 1


def test_nothing_of_what_is_dropped_is_in_the_network_that_is_given_back(request_: Request) -> None:
    found, cost = run(METHODS["rem"], request_, {"length": 1.0, "removal_steps": 3, "label_accuracy": 0.0})
    plain = request_.new_model(0)
    plain.load_state_dict(found.state_dict())  # strict: the plain network's keys and shapes
    images = request_.retain._pixels.images
    assert torch.equal(plain.eval()(images), found(images))
    assert not any(module._forward_pre_hooks for module in found.modules())
    # Removal: 3 steps of 8 rows, as many by the poisoned model. Redirection: 8 steps, so the retain set's 46 rows
    # twice and 2 rows to delete in each step through both networks, and those once more by the poisoned model.
    assert (cost.image_passes, cost.forward_passes) == (3 * 8 + 2 * (2 * 46 + 8 * 2), 3 * 8 + 8 * 2)
