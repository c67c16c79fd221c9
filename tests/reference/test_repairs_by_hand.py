"""Repairs by trusted rows against slow, obvious versions."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import tiny
import torch
from arithmetic import PASS, assert_same
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.steps.repairing import run_method as run
from unpoison.training import accuracy, train
from unpoison.unlearning import METHODS
from unpoison.unlearning.anp import Batch, cut_by_accuracy, loss_of, norms_of, worst_offsets
from unpoison.unlearning.fine_pruning import kept_features
from unpoison.unlearning.ibau import climb, hypergradient, pattern_added

MakeRequest = Callable[..., Request]
TRUSTED = 6
STEPS = 6  # of the longest training here; each carries on the roundings of those before


def head_of(model: nn.Module) -> nn.Linear:
    return model.network.layers[-1]


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
    assert_same(found, with_columns(expected, kept), terms=STEPS * PASS)
    assert 0 < kept.sum() < len(kept)


def test_fine_pruning_counts_a_pass_for_the_features_and_the_fine_tuning(make_request: MakeRequest) -> None:
    _, cost = run(METHODS["fine_pruning"], make_request([]), {"epochs": 3}, needs=("validation",))
    assert (cost.image_passes, cost.forward_passes) == (3 * TRUSTED, TRUSTED)


# -- adversarial neuron pruning ---------------------------------------------------------------------


def test_masks_and_offsets_scale_the_norms(make_request: MakeRequest) -> None:
    request = make_request([])
    images, labels = next(request.validation.in_order())
    model, batch = deepcopy(request.model).eval(), Batch(images, labels, "float32")
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    generator = torch.Generator().manual_seed(1)
    masks = [torch.rand(len(norm.weight), generator=generator) for norm in norms]
    offsets = [torch.rand(len(mask), generator=generator) - 0.5 for mask in (*masks, *masks)]
    found = loss_of(model, masks, offsets, batch)
    with torch.no_grad():
        for norm, mask, scale, shift in zip(
            norms, masks, offsets[: len(norms)], offsets[len(norms) :], strict=True
        ):
            norm.weight.mul_(mask + scale)
            norm.bias.mul_(1 + shift)
    assert_same(found, cross_entropy(model(images), labels), terms=PASS)


def test_the_worst_offsets_go_up_the_loss_and_stay_within_reach(make_request: MakeRequest) -> None:
    request = make_request([])
    images, labels = next(request.validation.in_order())
    model, batch = deepcopy(request.model).eval(), Batch(images, labels, "float32")
    masks = [torch.ones_like(norm.weight) for norm in norms_of(model).values()]
    starts = [torch.zeros_like(mask).requires_grad_() for mask in (*masks, *masks)]
    slopes = torch.autograd.grad(loss_of(model, masks, starts, batch), starts)
    worst = worst_offsets(model, masks, starts, batch, 0.01)
    for offset, slope in zip(worst, slopes, strict=True):
        assert_same(offset, 0.01 * slope.sign(), terms=1)
    assert loss_of(model, masks, worst, batch) > loss_of(model, masks, None, batch)
    starts = [torch.full_like(mask, 0.3) for mask in (*masks, *masks)]
    assert all(part.abs().max() <= 0.4 for part in worst_offsets(model, masks, starts, batch, 0.4))


def test_the_highest_threshold_that_the_accuracy_allows_is_chosen(make_request: MakeRequest) -> None:
    request = make_request([])
    model = deepcopy(request.model).eval()
    generator = torch.Generator().manual_seed(2)
    masks = [torch.rand(len(norm.weight), generator=generator) ** 0.3 for norm in norms_of(model).values()]
    lowest = accuracy(model, request.validation, "float32") - 0.2
    expected = model  # and at last a network that is cut, but not at the highest threshold there is
    for threshold in torch.cat(masks).sort().values:
        fewer = deepcopy(model)
        for norm, mask in zip(norms_of(fewer).values(), masks, strict=True):
            norm.weight.data[mask < threshold] = 0
        if accuracy(fewer, request.validation, "float32") < lowest:
            break
        expected = fewer
    found = cut_by_accuracy(model, masks, request.validation, 0.2, "float32")
    pairs = zip(found.state_dict().values(), expected.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
    assert sum(int((norm.weight == 0).sum()) for norm in norms_of(expected).values()) > 0


def test_neuron_pruning_counts_three_passes_of_each_image_and_one_for_each_threshold(
    make_request: MakeRequest,
) -> None:
    options = {"steps": 2, "batch_size": 2, "accuracy_drop": 1.0}
    request = make_request([])
    neurons = sum(len(norm.weight) for norm in norms_of(request.model).values())
    _, cost = run(METHODS["anp"], make_request([]), options, needs=("validation",))
    # Half of the six rows in batches of two: 2 + 1; the other half before pruning and at the mask of each neuron.
    assert (cost.image_passes, cost.forward_passes) == (3 * 3, (1 + neurons) * 3)


# -- universal patterns -----------------------------------------------------------------------------


class Smooth(nn.Module):
    """A network of two layers that has all its derivatives, in float64."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.first, self.last = nn.Conv2d(3, 2, 3).double(), nn.Linear(8, 3).double()

    def forward(self, images: Tensor) -> Tensor:
        return self.last(torch.tanh(self.first(images)).flatten(1))


def test_the_hypergradient_is_that_of_the_written_out_jacobians() -> None:
    model, generator = tiny.bare(Smooth()).double(), torch.Generator().manual_seed(3)
    images = torch.rand(5, 3, 4, 4, generator=generator, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 0, 1])
    pattern = torch.rand(1, 3, 4, 4, generator=generator, dtype=torch.float64)
    names = [name for name, _ in model.named_parameters()]
    shapes = [parameter.shape for parameter in model.parameters()]
    theta = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

    def loss(delta: Tensor, weights: Tensor) -> Tensor:
        parts = weights.split([shape.numel() for shape in shapes])
        given = {name: part.view(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        return cross_entropy(functional_call(model, given, (images + delta.view(1, 3, 4, 4),)), labels)

    def mapped(delta: Tensor, weights: Tensor) -> Tensor:
        inner = 0.001 * (delta**2).sum() - loss(delta, weights)
        return delta - 0.1 * torch.autograd.grad(inner, delta, create_graph=True)[0]

    delta = pattern.flatten()
    by_delta, by_theta = torch.autograd.functional.jacobian(mapped, (delta, theta))
    slope, direct = torch.autograd.functional.jacobian(loss, (delta, theta))
    vector = sum(torch.linalg.matrix_power(by_delta.T, power) @ slope for power in range(4))
    found = hypergradient(model, pattern, images, labels, steps=4, patterned=1.0)
    torch.testing.assert_close(torch.cat([part.flatten() for part in found]), direct + by_theta.T @ vector)


def test_the_pattern_climbs_the_loss(make_request: MakeRequest) -> None:
    request = make_request([])
    images, labels = next(request.validation.in_order())
    model = deepcopy(request.model).eval()
    start = torch.zeros(1, 3, *images.shape[2:])
    pattern = climb(model, start, images, labels)
    with pattern_added(model, pattern / 100):
        raised = cross_entropy(model(images), labels)
    assert raised > cross_entropy(model(images), labels)  # the pattern is gone again, too


def test_universal_patterns_count_every_product(make_request: MakeRequest) -> None:
    options = {"rounds": 2, "fixed_point_steps": 3, "batch_size": 4}
    _, cost = run(METHODS["ibau"], make_request([]), options, needs=("validation",))
    # A round: a pass for the pattern; then losses patterned and clean, three products and the last one.
    assert (cost.image_passes, cost.forward_passes) == (2 * TRUSTED * (1 + 2 + 3 + 1), 0)
