"""SSD and its kin against loops over images and weights, and against importances made by hand."""

import math
from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from arithmetic import PASS, assert_same
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.examples import Examples
from unpoison.steps.repairing import run_method as run
from unpoison.training import accuracy
from unpoison.unlearning import METHODS
from unpoison.unlearning._importance import (
    FISHER,
    LABEL_FREE,
    dampen,
    gradients_of_each,
    importances,
    ratios,
    selection_of,
)

MakeRequest = Callable[..., Request]
FORGET = range(8)
ROWS = 54


def stamped(examples: Examples) -> list[tuple[Tensor, Tensor]]:
    """Each image with its label, as the network is shown them."""
    return [
        (image[None], label[None]) for pair in examples.in_order() for image, label in zip(*pair, strict=True)
    ]


def mean_by_hand(model: nn.Module, batches: list[tuple[Tensor, Tensor]], label_free: bool) -> list[Tensor]:
    total = [torch.zeros_like(parameter) for parameter in model.parameters()]
    for images, labels in batches:
        logits = model(images)
        loss = (logits**2).sum() / len(labels) if label_free else cross_entropy(logits, labels)
        model.zero_grad()
        loss.backward()
        for sums, parameter in zip(total, model.parameters(), strict=True):
            sums.add_(parameter.grad.abs() if label_free else parameter.grad**2)
    return [sums / len(batches) for sums in total]


@pytest.mark.parametrize("label_free", [False, True])
def test_importances_are_means_over_images_one_by_one(make_request: MakeRequest, label_free: bool) -> None:
    request = make_request(FORGET)
    own, everyone = importances(request, LABEL_FREE if label_free else FISHER)
    model = deepcopy(request.model)
    images = stamped(request.forget), stamped(request.retain)
    assert_same(own, mean_by_hand(model, images[0], label_free), terms=PASS)
    assert_same(everyone, mean_by_hand(model, [*images[0], *images[1]], label_free), terms=PASS)


def test_gradients_taken_together_are_those_of_each_image(make_request: MakeRequest) -> None:
    request = make_request(FORGET)
    model = deepcopy(request.model).eval()
    images, labels = next(request.forget.in_order())
    together = gradients_of_each(model, images, labels, cross_entropy)
    parameters = list(model.parameters())
    for place in range(len(labels)):
        loss = cross_entropy(model(images[place : place + 1]), labels[place : place + 1])
        alone = list(torch.autograd.grad(loss, parameters))
        assert_same([part[place] for part in together], alone, terms=PASS)


def test_the_published_importances_square_the_mean_gradient_of_a_batch(make_request: MakeRequest) -> None:
    request = make_request(FORGET)  # fewer rows than a batch of 16
    own, _ = importances(request, FISHER, importance="batch")
    batch = next(request.forget.in_order())
    assert_same(own, mean_by_hand(deepcopy(request.model), [batch], label_free=False), terms=PASS)


def test_a_sample_stands_for_the_whole_training_set(make_request: MakeRequest) -> None:
    firsts = [importances(make_request(FORGET, seed=seed), FISHER, sample=20)[1][0] for seed in (5, 5, 6)]
    assert torch.equal(firsts[0], firsts[1])
    assert not torch.equal(firsts[0], firsts[2])
    every = importances(make_request(FORGET), FISHER, sample=ROWS)[1][0]
    assert torch.equal(every, importances(make_request(FORGET), FISHER)[1][0])


def linear(*weights: float) -> nn.Linear:
    model = nn.Linear(len(weights), 1, bias=False)
    model.weight = nn.Parameter(torch.tensor([weights]))
    return model


def test_damping_follows_the_formula() -> None:
    model = linear(1.0, 2.0, 3.0, 4.0, 5.0)
    own = [torch.tensor([[10.0, 10.0, 0.0, 2.0, 8.0]])]
    everyone = [torch.tensor([[1.0, 5.0, 0.0, 1.0, 0.0]])]
    dampen(model, own, everyone, selection=2.0, dampening=3.0)
    # 3 x 1/10; not above 2 x 5; nothing to divide; not strictly above 2 x 1; of no use to the whole set.
    assert model.weight.tolist() == [[pytest.approx(0.3), 2.0, 3.0, 4.0, 0.0]]


def test_damping_never_makes_a_weight_larger() -> None:
    model = linear(1.0)
    dampen(model, [torch.tensor([[3.0]])], [torch.tensor([[1.0]])], selection=2.0, dampening=9.0)
    assert model.weight.item() == 1.0


def test_the_selected_share_is_of_the_largest_ratios() -> None:
    own, everyone = [torch.arange(0.0, 10.0)], [torch.ones(10)]
    ascending = ratios(own, everyone)
    for share, count in ((0.0, 0), (0.2, 2), (0.34, 3), (1.0, 9)):
        assert int((own[0] > selection_of(ascending, share)).sum()) == count


@pytest.mark.parametrize("name", ["ssd", "lfssd"])
def test_nothing_selected_leaves_the_model_as_it_is(name: str, make_request: MakeRequest) -> None:
    request = make_request(FORGET)
    found = METHODS[name](request, selection=1e30).state_dict()
    assert all(torch.equal(tensor, found[key]) for key, tensor in request.model.state_dict().items())


@pytest.mark.parametrize(("name", "measure"), [("ssd", FISHER), ("lfssd", LABEL_FREE)])
def test_weights_above_the_threshold_are_damped(
    name: str, measure: object, make_request: MakeRequest
) -> None:
    request = make_request(FORGET)
    found = METHODS[name](request, selection=1.5, dampening=0.5)
    own, everyone = importances(request, measure)
    damped = 0
    for before, after, high, base in zip(
        request.model.parameters(), found.parameters(), own, everyone, strict=True
    ):
        factor = torch.where(high > 1.5 * base, (0.5 * base / high).clamp(max=1), 1.0)
        assert_same(after, before * factor, terms=PASS)
        damped += int((factor < 1).sum())
    assert damped > 0


def test_the_adaptive_threshold_selects_the_papers_share(make_request: MakeRequest) -> None:
    request = make_request(FORGET)
    found = METHODS["assd"](request)
    pairs = zip(request.model.parameters(), found.parameters(), strict=True)
    weights = sum(parameter.numel() for parameter in found.parameters())
    moved = sum(int((before != after).sum()) for before, after in pairs)
    assert moved == pytest.approx(math.log(1 + 100 * 8 / ROWS) / 100 * weights, rel=0.03)


def test_potion_stops_at_the_first_share_that_forgets(make_request: MakeRequest) -> None:
    request = make_request(FORGET)
    own, everyone = importances(request, LABEL_FREE)
    before = accuracy(deepcopy(request.model), request.forget)
    p, tries = 8 / ROWS / 25, 0
    while True:
        share = math.log(1 + 100 * p) / 100
        model = deepcopy(request.model)
        threshold = selection_of(ratios(own, everyone), share)
        dampen(model, own, everyone, selection=threshold, dampening=1.0)
        tries += 1
        if accuracy(model, request.forget) <= 0.5 * before:
            break
        p *= 1.1
    found, cost = run(METHODS["potion"], request, {"accuracy_left": 0.5})
    assert tries > 1
    assert cost.forward_passes == (1 + tries) * 8
    assert_same(found, model, terms=PASS)


@pytest.mark.parametrize(
    ("name", "options", "passes"),
    [
        ("ssd", {}, 8 + ROWS),
        ("ssd", {"sample": 20}, 8 + 20),
        ("ssd", {"importance": "batch"}, 8 + ROWS),
        ("lfssd", {}, 8 + ROWS),
        ("assd", {"sample": 10}, 8 + 10),
    ],
)
def test_the_cost_of_damping(make_request: MakeRequest, name: str, options: dict, passes: int) -> None:
    _, cost = run(METHODS[name], make_request(FORGET), options)
    assert (cost.image_passes, cost.forward_passes) == (passes, 0)


def test_potion_counts_the_passes_of_every_try(make_request: MakeRequest) -> None:
    _, cost = run(METHODS["potion"], make_request(FORGET), {"tries": 1, "sample": 10})
    assert (cost.image_passes, cost.forward_passes) == (8 + 10, 8 + 8)
