"""SSD and its variants against loops over images and weights, and against importances set by hand."""

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from arithmetic import PASS, assert_same
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.recipes import Recipe
from unpoison.steps.repairing import run_method as run
from unpoison.training import accuracy
from unpoison.unlearning import METHODS
from unpoison.unlearning._importance import (
    FISHER,
    LABEL_FREE,
    OUTLIER_RESISTANT,
    Measure,
    Passes,
    dampen,
    gradients_of_each,
    importances,
    ratios,
    selection_of,
)

MakeRequest = Callable[..., Request]
FORGET = range(8)
ROWS = 54
SAMPLE = Passes("sample", 1, "all", augment=False, sample=None)


def stamped(examples: Examples) -> list[tuple[Tensor, Tensor]]:
    """Return each image with its label, stamped as the network sees it."""
    return [
        (image[None], label[None]) for pair in examples.in_order() for image, label in zip(*pair, strict=True)
    ]


def joined(pairs: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Return all images with their labels as one batch."""
    return torch.cat([image for image, _ in pairs]), torch.cat([label for _, label in pairs])


def loss_by_hand(logits: Tensor, labels: Tensor, kind: str) -> Tensor:
    if kind == "cross entropy":
        return cross_entropy(logits, labels)
    squares = (logits**2).sum(dim=1)
    return (squares if kind == "squared norm" else squares.sqrt()).sum() / len(labels)


def mean_by_hand(model: nn.Module, batches: list[tuple[Tensor, Tensor]], kind: str) -> list[Tensor]:
    total = [torch.zeros_like(parameter) for parameter in model.parameters()]
    for images, labels in batches:
        loss = loss_by_hand(model(images), labels, kind)
        model.zero_grad()
        loss.backward()
        for sums, parameter in zip(total, model.parameters(), strict=True):
            sums.add_(parameter.grad**2 if kind == "cross entropy" else parameter.grad.abs())
    return [sums / len(batches) for sums in total]


def unaugmented(make_request: MakeRequest, recipe: Recipe) -> Request:
    """Return a request whose recipe neither crops nor flips."""
    return make_request(FORGET, recipe=replace(recipe, crop_padding=0, flip=False))


def damped_by_hand(
    before: nn.Module, own: list[Tensor], others: list[Tensor], selection: float, dampening: float = 1.0
) -> nn.Module:
    model = deepcopy(before)
    with torch.no_grad():
        for weights, high, base in zip(model.parameters(), own, others, strict=True):
            factor = torch.where(high > selection * base, (dampening * base / high).clamp(max=1), 1.0)
            weights.mul_(factor)
    return model


@pytest.mark.parametrize(
    ("kind", "measure"),
    [("cross entropy", FISHER), ("squared norm", LABEL_FREE), ("norm", OUTLIER_RESISTANT)],
)
def test_importances_are_means_over_images_one_by_one(
    make_request: MakeRequest, kind: str, measure: Measure
) -> None:
    request = make_request(FORGET)
    own, everyone = importances(request, measure, SAMPLE)
    model = deepcopy(request.model)
    images = stamped(request.forget), stamped(request.retain)
    assert_same(own, mean_by_hand(model, images[0], kind), terms=PASS)
    assert_same(everyone, mean_by_hand(model, [*images[1], *images[0]], kind), terms=PASS)


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


def test_ssd_squares_the_mean_gradient_of_a_batch_by_default(make_request: MakeRequest) -> None:
    request = make_request(FORGET)  # 8 and 54 rows fit into one batch each, of the published size 128
    model, kind = deepcopy(request.model), "cross entropy"
    own = mean_by_hand(model, [joined(stamped(request.forget))], kind)
    everyone = mean_by_hand(model, [joined([*stamped(request.retain), *stamped(request.forget)])], kind)
    found = METHODS["ssd"](request, selection=1.5, dampening=0.5)
    assert_same(found, damped_by_hand(request.model, own, everyone, 1.5, 0.5), terms=PASS)
    assert any(not torch.equal(*pair) for pair in zip(found.parameters(), model.parameters(), strict=True))


@pytest.mark.parametrize(
    ("against", "batches"), [("all", ("retain", "forget")), ("retain", ("retain",)), ("mixed", None)]
)
def test_against_all_the_deletion_set_fills_batches_of_its_own(
    make_request: MakeRequest, against: str, batches: tuple[str, ...] | None
) -> None:
    request = make_request(FORGET)
    passes = Passes("batch", ROWS - 8, against, augment=False, sample=None)  # the retained rows are one batch
    _, others = importances(request, FISHER, passes)
    model = deepcopy(request.model)
    parts = [joined(stamped(getattr(request, name))) for name in batches or ("retain", "forget")]
    expected = mean_by_hand(model, parts, "cross entropy")
    if batches:
        assert_same(others, expected, terms=PASS)
    else:
        with pytest.raises(AssertionError):
            assert_same(others, expected, terms=PASS)


def test_the_recipes_batch_size_changes_no_importance(make_request: MakeRequest, recipe: Recipe) -> None:
    models = [
        METHODS["ssd"](
            make_request(FORGET, recipe=replace(recipe, batch_size=size)), importance="batch", selection=1.5
        )
        for size in (16, 23)
    ]
    assert_same(models[0], models[1], terms=PASS)


@pytest.mark.parametrize("importance", ["batch", "sample"])
def test_augmented_importances_are_of_the_recipes_crops(
    importance: str, make_request: MakeRequest, recipe: Recipe
) -> None:
    passes = Passes(importance, 16, "retain", augment=True, sample=None)
    plain = importances(unaugmented(make_request, recipe), FISHER, passes)
    same = importances(make_request(FORGET), FISHER, replace(passes, augment=False))
    assert_same(plain[0], same[0], terms=PASS)
    assert_same(plain[1], same[1], terms=PASS)
    cropped = importances(make_request(FORGET), FISHER, passes)
    assert not torch.allclose(cropped[0][0], same[0][0])


@pytest.mark.parametrize("against", ["retain", "all"])
def test_an_empty_retain_set_is_compared_with_only_where_it_can_be(
    make_request: MakeRequest, against: str
) -> None:
    passes = Passes("batch", 16, against, augment=False, sample=None)
    if against == "retain":
        with pytest.raises(UserError, match="no retained row"):
            importances(make_request(range(ROWS)), FISHER, passes)
    else:
        assert len(importances(make_request(range(ROWS)), FISHER, passes)[1])


def test_a_sample_stands_for_the_whole_training_set(make_request: MakeRequest) -> None:
    some = replace(SAMPLE, sample=20)
    firsts = [importances(make_request(FORGET, seed=seed), FISHER, some)[1][0] for seed in (5, 5, 6)]
    assert torch.equal(firsts[0], firsts[1])
    assert not torch.equal(firsts[0], firsts[2])
    every = importances(make_request(FORGET), FISHER, replace(SAMPLE, sample=ROWS))[1][0]
    assert torch.equal(every, importances(make_request(FORGET), FISHER, SAMPLE)[1][0])


def linear(*weights: float) -> nn.Linear:
    model = nn.Linear(len(weights), 1, bias=False)
    model.weight = nn.Parameter(torch.tensor([weights]))
    return model


def test_damping_follows_the_formula() -> None:
    model = linear(1.0, 2.0, 3.0, 4.0, 5.0)
    own = [torch.tensor([[10.0, 10.0, 0.0, 2.0, 8.0]])]
    everyone = [torch.tensor([[1.0, 5.0, 0.0, 1.0, 0.0]])]
    dampen(model, own, everyone, selection=2.0, dampening=3.0)
    # 3 x 1/10; not strictly above 2 x 5; 0 / 0; not strictly above 2 x 1; importance 0 in the whole set.
    assert model.weight.tolist() == [[pytest.approx(0.3), 2.0, 3.0, 4.0, 0.0]]


def test_damping_never_makes_a_weight_larger() -> None:
    model = linear(1.0)
    dampen(model, [torch.tensor([[3.0]])], [torch.tensor([[1.0]])], selection=2.0, dampening=9.0)
    assert model.weight.item() == 1.0


@pytest.mark.parametrize("share", [0.0, 0.017, 0.2, 0.34, 1.0])
def test_the_selection_is_the_percentile_of_the_finite_ratios(share: float) -> None:
    own = [torch.tensor([0.0, 3.0, 1.0]), torch.tensor([[4.0, 9.0], [0.0, 5.0]])]
    everyone = [
        torch.tensor([0.0, 1.0, 0.0]),
        torch.tensor([[1.0, 2.0], [7.0, 4.0]]),
    ]  # includes 0 / 0 and 1 / 0
    finite = np.array([3.0, 4.0, 4.5, 0.0, 1.25])
    found = selection_of(ratios(own, everyone), share)
    assert found == pytest.approx(np.percentile(finite, 100 * (1 - share)), rel=1e-5)


@pytest.mark.parametrize("name", ["ssd", "lfssd"])
def test_nothing_selected_leaves_the_model_as_it_is(name: str, make_request: MakeRequest) -> None:
    request = make_request(FORGET)
    found = METHODS[name](request, selection=1e30).state_dict()
    assert all(torch.equal(tensor, found[key]) for key, tensor in request.model.state_dict().items())


@pytest.mark.parametrize(("name", "measure"), [("ssd", FISHER), ("lfssd", LABEL_FREE)])
def test_weights_above_the_threshold_are_damped(
    name: str, measure: Measure, make_request: MakeRequest
) -> None:
    request = make_request(FORGET)
    found = METHODS[name](request, selection=1.2, dampening=0.5, importance="sample")
    own, everyone = importances(request, measure, SAMPLE)
    assert_same(found, damped_by_hand(request.model, own, everyone, 1.2, 0.5), terms=PASS)
    pairs = zip(found.parameters(), request.model.parameters(), strict=True)
    assert any(not torch.equal(after, before) for after, before in pairs)


@pytest.mark.parametrize("name", ["ssd", "lfssd"])
@pytest.mark.parametrize("importance", ["batch", "sample"])
def test_each_kind_of_importance_has_its_own_selection(
    name: str, importance: str, make_request: MakeRequest
) -> None:
    request = make_request(FORGET)
    selection = METHODS.constant(name, "SELECTION")[importance]
    found = METHODS[name](request, importance=importance)
    assert_same(found, METHODS[name](request, importance=importance, selection=selection), terms=PASS)
    assert METHODS.constant(name, "SELECTION")["batch"] == 10.0  # the authors' value


@pytest.mark.parametrize("name", ["ssd", "lfssd"])
def test_a_share_in_place_of_a_selection_is_the_share_of_weights_that_is_damped(
    name: str, make_request: MakeRequest
) -> None:
    request = make_request(FORGET)
    found = METHODS[name](request, share=0.1, dampening=0.01, importance="sample")
    pairs = zip(request.model.parameters(), found.parameters(), strict=True)
    weights = sum(parameter.numel() for parameter in found.parameters())
    moved = sum(int((before != after).sum()) for before, after in pairs)
    assert moved == pytest.approx(0.1 * weights, rel=0.05)
    with pytest.raises(UserError, match="allowed: one of them"):
        METHODS[name](request, share=0.1, selection=10.0)


def test_the_adaptive_threshold_selects_the_papers_share(make_request: MakeRequest, recipe: Recipe) -> None:
    request = unaugmented(make_request, recipe)
    model, kind = deepcopy(request.model), "cross entropy"
    own = mean_by_hand(model, [joined(stamped(request.forget))], kind)
    others = mean_by_hand(model, [joined(stamped(request.retain))], kind)  # the retained rows alone
    relative = np.concatenate(
        [(high / base).flatten().numpy() for high, base in zip(own, others, strict=True)]
    )
    threshold = np.percentile(relative[np.isfinite(relative)], 100 - math.log(1 + 100 * 8 / ROWS))
    found = METHODS["assd"](request)
    assert_same(found, damped_by_hand(request.model, own, others, float(threshold)), terms=PASS)


@pytest.mark.parametrize(("norm", "kind"), [("unsquared", "norm"), ("squared", "squared norm")])
def test_potion_stops_at_the_first_share_that_forgets(
    norm: str, kind: str, make_request: MakeRequest, recipe: Recipe
) -> None:
    request = unaugmented(make_request, recipe)
    model = deepcopy(request.model)
    own = mean_by_hand(model, [joined(stamped(request.forget))], kind)
    others = mean_by_hand(model, [joined(stamped(request.retain))], kind)
    before = accuracy(model, request.forget)
    p, tries = 8 / ROWS / 25, 0
    while True:
        threshold = selection_of(ratios(own, others), math.log(1 + 100 * p) / 100)
        model = damped_by_hand(request.model, own, others, threshold)
        tries += 1
        if accuracy(model, request.forget) <= 0.5 * before:
            break
        p *= 1.1
    options = {} if norm == "unsquared" else {"norm": norm}  # the authors' norm is the default
    found, cost = run(METHODS["potion"], request, {"accuracy_left": 0.5, **options})
    assert tries > 1
    assert cost.forward_passes == (1 + tries) * 8
    assert_same(found, model, terms=PASS)


@pytest.mark.parametrize(
    ("name", "options", "passes"),
    [
        ("ssd", {}, 8 + ROWS),
        ("ssd", {"sample": 20}, 8 + 20),
        ("ssd", {"importance": "sample"}, 8 + ROWS),
        ("assd", {"importance": "sample", "augment": True}, ROWS),
        ("ssd", {"against": "retain", "augment": True}, ROWS),
        ("lfssd", {}, 8 + ROWS),
        ("assd", {}, ROWS),
        ("assd", {"sample": 10}, 8 + 10),
    ],
)
def test_the_cost_of_damping(make_request: MakeRequest, name: str, options: dict, passes: int) -> None:
    _, cost = run(METHODS[name], make_request(FORGET), options)
    assert (cost.image_passes, cost.forward_passes) == (passes, 0)
    assert cost.gradient_passes == (passes if options.get("importance") == "sample" else 0)


def test_potion_counts_the_passes_of_every_try(make_request: MakeRequest) -> None:
    _, cost = run(METHODS["potion"], make_request(FORGET), {"tries": 1, "sample": 10})
    assert (cost.image_passes, cost.forward_passes) == (8 + 10, 8 + 8)
