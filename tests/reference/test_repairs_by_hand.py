"""Repairs by trusted rows against slow, obvious versions."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import tiny
import torch
from arithmetic import PASS, assert_same
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import batch_norm, cross_entropy

from unpoison.contracts.request import Request
from unpoison.errors import UserError
from unpoison.seeds import derive_seed
from unpoison.steps.repairing import run_method as run
from unpoison.training import accuracy
from unpoison.unlearning import METHODS

MakeRequest = Callable[..., Request]
TRUSTED = 6
STEPS = 6  # of the longest training here; rounding errors accumulate over the steps


def head_of(model: nn.Module) -> nn.Linear:
    return model.network.layers[-1]


def with_columns(model: nn.Module, kept: Tensor) -> nn.Module:
    """Return a copy whose classifier reads only the kept features."""
    copy = deepcopy(model)
    with torch.no_grad():
        head_of(copy).weight.mul_(kept)
    return copy


def test_features_are_pruned_from_the_least_active_on_until_the_accuracy_falls() -> None:
    head = nn.Linear(4, 2, bias=False)
    # Feature 2 is evidence for class 0 and feature 0 for class 1; features 1 and 3 have no effect.
    head.weight = nn.Parameter(torch.tensor([[0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0]]))
    features = torch.tensor([[0.0, 9.0, 1.0, 0.1]] * 2 + [[1.0, 9.0, 0.0, 0.1]] * 3)
    labels = torch.tensor([0, 0, 1, 1, 1])
    # Mean activations 0.6, 9, 0.4, 0.1: first 3, then 2 (no loss of accuracy: a tie is class 0), then 0.
    pruned = METHODS.module("fine_pruning").kept_features
    assert pruned(head, features, labels, 0.5).tolist() == [1.0, 1.0, 0.0, 0.0]
    assert pruned(head, features, labels, 0.7).tolist() == [0.0, 0.0, 0.0, 0.0]


def test_the_fall_that_pruning_may_cost_is_a_share_of_the_accuracy_before() -> None:
    head = nn.Linear(2, 3, bias=False)
    head.weight = nn.Parameter(torch.tensor([[0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]]))
    # Nine of twenty rows are correct, eight without feature 1: a loss of five points, or of one ninth.
    features = torch.tensor([[2.0, 0.0]] * 19 + [[2.0, 3.0]])
    labels = torch.tensor([1] * 8 + [2] * 11 + [0])
    pruned = METHODS.module("fine_pruning").kept_features
    assert pruned(head, features, labels, 0.1).tolist() == [1.0, 1.0]
    assert pruned(head, features, labels, 0.12).tolist() == [1.0, 0.0]
    assert pruned(head, features, labels, 0.1, overshoot=True).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("schedule", ["cosine", "recipe"])
def test_fine_pruning_prunes_one_feature_after_another_and_fine_tunes(
    make_request: MakeRequest, schedule: str
) -> None:
    request = make_request([])
    options: dict[str, Any] = {"accuracy_drop": 0.2, "epochs": 2, "learning_rate": 0.02, "batch_size": 4}
    if schedule != "cosine":
        options["schedule"] = schedule
    read: list[Tensor] = []
    spied = deepcopy(request.model)
    head_of(spied).register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    before = accuracy(spied, request.validation, "float32")
    kept = torch.ones(head_of(spied).in_features)
    for feature in torch.cat(read).mean(0).argsort().tolist():
        fewer = kept.clone()
        fewer[feature] = 0
        after = accuracy(with_columns(request.model, fewer), request.validation, "float32")
        if (before - after) / before >= 0.2:
            break
        kept = fewer
    expected = with_columns(request.model, kept).train()
    head_of(expected).register_forward_pre_hook(lambda _, inputs: (inputs[0] * kept,))
    recipe = replace(request.recipe, epochs=2, learning_rate=0.02, batch_size=4)
    # Six rows in batches of four: two steps an epoch. The cosine schedule has the full rate, then half of it.
    rates = [0.02, 0.02, 0.01, 0.01] if schedule == "cosine" else [recipe.rate(step, 4) for step in range(4)]
    optimizer = torch.optim.SGD(expected.parameters(), lr=1.0, momentum=0.9, weight_decay=5e-4)
    for rate, (images, labels) in zip(
        rates, request.validation.batches(recipe, request.seed, steps=4), strict=True
    ):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        cross_entropy(expected(images), labels).backward()
        optimizer.step()
    found = METHODS["fine_pruning"](request, **options)
    assert_same(found, with_columns(expected, kept), terms=STEPS * PASS)
    assert 0 < kept.sum() < len(kept)


def test_fine_pruning_counts_a_pass_for_the_features_and_the_fine_tuning(make_request: MakeRequest) -> None:
    _, cost = run(METHODS["fine_pruning"], make_request([]), {"epochs": 3}, needs=("validation",))
    assert (cost.image_passes, cost.forward_passes) == (3 * TRUSTED, TRUSTED)


# -- adversarial neuron pruning ---------------------------------------------------------------------


def norms_in(model: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]


def loss_by_hand(
    model: nn.Module, scales: list[Tensor], shifts: list[Tensor], batch: Any, *, by_batch: bool
) -> Tensor:
    """Return the loss with each norm computed from its input, by batch statistics or running statistics."""
    images, labels = batch
    given = zip(norms_in(model), scales, shifts, strict=True)

    def replacing(scale: Tensor, shift: Tensor) -> Callable[..., Tensor]:
        def output_of(norm: nn.BatchNorm2d, inputs: tuple[Tensor, ...], _: Tensor) -> Tensor:
            kept = (None, None) if by_batch else (norm.running_mean, norm.running_var)
            w, b = norm.weight.detach() * scale, norm.bias.detach() * shift
            return batch_norm(inputs[0], *kept, w, b, training=by_batch, eps=norm.eps)

        return output_of

    hooks = [norm.register_forward_hook(replacing(scale, shift)) for norm, scale, shift in given]
    loss = cross_entropy(model(images), labels)
    for hook in hooks:
        hook.remove()
    return loss


def masks_by_hand(
    request: Request, steps: int, rate: float, batch_size: int, *, by_batch: bool, projected: bool
) -> list[Tensor]:
    """Return the masks of the authors' loop, with torch's optimiser."""
    model = deepcopy(request.model).eval()
    masks = [torch.ones_like(norm.weight).requires_grad_() for norm in norms_in(model)]
    ones = [torch.ones_like(mask) for mask in masks]
    optimizer = torch.optim.SGD(masks, lr=rate, momentum=0.9)
    draw = torch.Generator().manual_seed(derive_seed("perturbation", request.seed))
    rows = torch.Generator().manual_seed(derive_seed("drawn", request.seed))
    recipe = replace(request.recipe, batch_size=batch_size)
    for step in range(steps):
        places = torch.randint(len(request.validation), (batch_size,), generator=rows)
        seed = derive_seed("drawn", request.seed, step)
        (batch,) = request.validation.take(places).batches(recipe, seed, steps=1)
        noise = [
            (0.4 * (2 * torch.rand(len(mask), generator=draw) - 1)).requires_grad_() for mask in masks + masks
        ]

        def perturbed(noise: list[Tensor] = noise, batch: Any = batch) -> Tensor:
            scales = [mask + one for mask, one in zip(masks, noise[: len(masks)], strict=True)]
            shifts = [1 + one for one in noise[len(masks) :]]
            return loss_by_hand(model, scales, shifts, batch, by_batch=by_batch)

        slopes = torch.autograd.grad(perturbed(), noise)
        with torch.no_grad():
            for one, slope in zip(noise, slopes, strict=True):
                one.add_(0.4 * slope.sign())
                if projected:
                    one.clamp_(-0.4, 0.4)
        optimizer.zero_grad()
        clean = loss_by_hand(model, masks, ones, batch, by_batch=by_batch)
        (0.2 * clean + 0.8 * perturbed()).backward()
        optimizer.step()
        with torch.no_grad():
            for mask in masks:
                mask.clamp_(0, 1)
    return [mask.detach() for mask in masks]


def cut_by_hand(model: nn.Module, masks: list[Tensor], threshold: float) -> nn.Module:
    """Return a copy that sets each channel's scale to zero where the mask is at most the threshold."""
    fewer = deepcopy(model).eval()
    for norm, mask in zip(norms_in(fewer), masks, strict=True):
        norm.weight.data[mask <= threshold] = 0
    return fewer


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize(
    "ours", [{}, {"batch_norm": "eval"}, {"projected": True}], ids=["published", "eval", "projected"]
)
def test_neurons_are_cut_by_masks_that_are_learned_as_the_authors_do(
    make_request: MakeRequest, ours: dict[str, Any]
) -> None:
    request = make_request([])
    masks = masks_by_hand(
        request, 6, 0.5, 8, by_batch="batch_norm" not in ours, projected="projected" in ours
    )
    expected = cut_by_hand(request.model, masks, 0.2)
    assert same(METHODS["anp"](request, steps=6, learning_rate=0.5, batch_size=8, **ours), expected)
    cut = [int((norm.weight == 0).sum()) for norm in norms_in(expected)]
    assert 0 < sum(cut) < sum(len(mask) for mask in masks)


def test_batches_of_trusted_rows_are_full_and_drawn_with_replacement(make_request: MakeRequest) -> None:
    request, drawn = make_request([]), METHODS.module("anp").drawn_batches
    one_row = request.validation.take(torch.tensor([0]))
    assert [len(labels) for _, labels in drawn(one_row, request, steps=3, batch_size=5)] == [5, 5, 5]
    numbers = [
        labels.tolist() for _, labels in drawn(request.validation.numbered(), request, steps=40, batch_size=6)
    ]
    assert any(len(set(batch)) < TRUSTED for batch in numbers)
    assert {number for batch in numbers for number in batch} == set(range(TRUSTED))


def test_masks_and_offsets_scale_the_norms(make_request: MakeRequest) -> None:
    anp, request = METHODS.module("anp"), make_request([])
    images, labels = next(request.validation.in_order())
    model, batch = deepcopy(request.model).eval(), anp.Batch(images, labels, "float32")
    norms, generator = norms_in(model), torch.Generator().manual_seed(1)
    masks = [torch.rand(len(norm.weight), generator=generator) for norm in norms]
    offsets = [torch.rand(len(mask), generator=generator) - 0.5 for mask in (*masks, *masks)]
    found = anp.loss_of(model, masks, offsets, batch)
    with torch.no_grad():
        for norm, mask, scale, shift in zip(
            norms, masks, offsets[: len(norms)], offsets[len(norms) :], strict=True
        ):
            norm.weight.mul_(mask + scale)
            norm.bias.mul_(1 + shift)
    assert_same(found, cross_entropy(model(images), labels), terms=PASS)


def test_the_worst_offsets_go_up_the_loss_and_are_held_within_reach_only_when_projected(
    make_request: MakeRequest,
) -> None:
    anp, request = METHODS.module("anp"), make_request([])
    images, labels = next(request.validation.in_order())
    model, batch = deepcopy(request.model).eval(), anp.Batch(images, labels, "float32")
    masks = [torch.ones_like(norm.weight) for norm in norms_in(model)]
    starts = [torch.zeros_like(mask).requires_grad_() for mask in (*masks, *masks)]
    slopes = torch.autograd.grad(anp.loss_of(model, masks, starts, batch), starts)
    worst = anp.worst_offsets(model, masks, starts, batch, 0.01, projected=False)
    for offset, slope in zip(worst, slopes, strict=True):
        assert_same(offset, 0.01 * slope.sign(), terms=1)
    assert anp.loss_of(model, masks, worst, batch) > anp.loss_of(model, masks, None, batch)
    starts = [torch.full_like(mask, 0.3) for mask in (*masks, *masks)]
    reached = {
        projected: max(
            float(part.abs().max())
            for part in anp.worst_offsets(model, masks, starts, batch, 0.4, projected=projected)
        )
        for projected in (True, False)
    }
    assert reached == {True: pytest.approx(0.4), False: pytest.approx(0.7)}


def test_a_number_of_neurons_is_cut_from_the_lowest_mask_on(make_request: MakeRequest) -> None:
    masks = [torch.tensor([0.4, 0.1, 1.0]), torch.tensor([0.0, 0.3])]
    chosen = METHODS.module("anp").lowest(masks, 3)
    assert [channels.tolist() for channels in chosen] == [[False, True, False], [True, True]]
    found = METHODS["anp"](make_request([]), steps=2, batch_size=4, neurons=5)
    assert sum(int((norm.weight == 0).sum()) for norm in norms_in(found)) == 5


def test_neurons_are_cut_by_their_number_or_by_accuracy_and_not_by_both(make_request: MakeRequest) -> None:
    with pytest.raises(UserError, match=r"neurons: 5 and accuracy_drop: 0.1, allowed: one of the two"):
        METHODS["anp"](make_request([]), steps=1, neurons=5, accuracy_drop=0.1)


def test_the_highest_threshold_that_the_accuracy_allows_is_chosen(make_request: MakeRequest) -> None:
    request = make_request([])
    model = deepcopy(request.model).eval()
    generator = torch.Generator().manual_seed(2)
    masks = [torch.rand(len(norm.weight), generator=generator) ** 0.3 for norm in norms_in(model)]
    least = 0.8 * accuracy(model, request.validation, "float32")
    expected = model  # finally a network that is cut below the highest threshold
    for threshold in torch.cat(masks).sort().values:
        fewer = cut_by_hand(model, masks, float(threshold))
        if accuracy(fewer, request.validation, "float32") < least:
            break
        expected = fewer
    found = METHODS.module("anp").cut_by_accuracy(model, masks, request.validation, 0.2, "float32")
    assert same(found, expected)
    assert sum(int((norm.weight == 0).sum()) for norm in norms_in(expected)) > 0


@pytest.mark.parametrize("by_accuracy", [False, True])
def test_neuron_pruning_counts_three_passes_of_each_image_and_one_for_each_threshold(
    make_request: MakeRequest, by_accuracy: bool
) -> None:
    request = make_request([])
    options = {"steps": 2, "batch_size": 4} | ({"accuracy_drop": 1.0} if by_accuracy else {})
    neurons = sum(len(norm.weight) for norm in norms_in(request.model))
    _, cost = run(METHODS["anp"], request, options, needs=("validation",))
    # Half of the six rows are read before pruning and at each neuron's mask.
    assert (cost.image_passes, cost.forward_passes) == (3 * 2 * 4, (1 + neurons) * 3 if by_accuracy else 0)


# -- universal patterns -----------------------------------------------------------------------------


class Smooth(nn.Module):
    """A two-layer network with derivatives of every order, in float64."""

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
    others, their_labels = images.flip(0)[:3] / 2, labels[:3]
    pattern = torch.rand(1, 3, 4, 4, generator=generator, dtype=torch.float64)
    unit = torch.tensor([0.5, 2.0, 3.0], dtype=torch.float64).view(1, 3, 1, 1)
    chosen = torch.tensor([1, 4])
    names = [name for name, _ in model.named_parameters()]
    shapes = [parameter.shape for parameter in model.parameters()]
    theta = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

    def loss(seen: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        parts = weights.split([shape.numel() for shape in shapes])
        given = {name: part.view(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        return cross_entropy(functional_call(model, given, (seen,)), labels)

    def outer(delta: Tensor, weights: Tensor) -> Tensor:
        carried = [
            row + delta.view(3, 4, 4) * unit[0] * (place in (1, 4)) for place, row in enumerate(images)
        ]
        return loss(torch.stack(carried), labels, weights)

    def mapped(delta: Tensor, weights: Tensor) -> Tensor:
        inner = 0.001 * (delta**2).sum() - loss(others + delta.view(1, 3, 4, 4) * unit, their_labels, weights)
        return delta - 0.1 * torch.autograd.grad(inner, delta, create_graph=True)[0]

    delta = pattern.flatten()
    by_delta, by_theta = torch.autograd.functional.jacobian(mapped, (delta, theta))
    slope, direct = torch.autograd.functional.jacobian(outer, (delta, theta))
    vector = sum(torch.linalg.matrix_power(by_delta.T, power) @ slope for power in range(4))
    found = METHODS.module("ibau").hypergradient(
        model, pattern, unit, (images, labels), chosen=chosen, map_batch=(others, their_labels), steps=4
    )
    torch.testing.assert_close(torch.cat([part.flatten() for part in found]), direct + by_theta.T @ vector)


def ibau_by_hand(request: Request, options: dict[str, Any]) -> nn.Module:
    """Return the model of the authors' script with two rounds and K = 3.

    Patterns are added to 0-to-1 images or, in BackdoorBench's space, to normalised ones.
    """
    model = deepcopy(request.model).eval()
    parameters = list(model.parameters())
    deviation = torch.tensor(model.preprocessing.deviation).view(1, 3, 1, 1)
    mean = torch.tensor(model.preprocessing.mean).view(1, 3, 1, 1)
    pixels = options.get("space", "pixels") == "pixels"

    def logits(images: Tensor, pattern: Tensor | float) -> Tensor:
        levels = images / 255
        if pixels:
            return model.network((levels + pattern - mean) / deviation)
        return model.network((levels - mean) / deviation + pattern)

    def inner(pattern: Tensor, images: Tensor, labels: Tensor) -> Tensor:
        return 0.001 * (pattern**2).sum() - cross_entropy(logits(images, pattern), labels)

    batches = list(request.validation.in_order(4))
    draw = torch.Generator().manual_seed(derive_seed("patterned", request.seed))
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    for _ in range(2):
        pattern = torch.zeros(1, 3, *batches[0][0].shape[2:], requires_grad=True)
        ascent = torch.optim.SGD([pattern], lr=10.0)
        for images, labels in batches:
            given = options.get("ascent_labels") == "given"
            ascent.zero_grad()
            inner(pattern, images, labels if given else logits(images, 0.0).argmax(1)).backward()
            ascent.step()
        if "norm" in options:
            pattern = (
                (pattern * min(1.0, options["norm"] / float(pattern.detach().norm())))
                .detach()
                .requires_grad_()
            )
        for number, (images, labels) in enumerate(batches):
            rows = torch.randperm(len(images), generator=draw)[: len(images) // 2].tolist()
            carries = torch.tensor([float(row in rows) for row in range(len(images))]).view(-1, 1, 1, 1)
            loss = cross_entropy(logits(images, carries * pattern), labels)
            slope, *direct = torch.autograd.grad(loss, [pattern, *parameters])
            map_batch = batches[number if options.get("map_rows") == "own" else 0]
            (step,) = torch.autograd.grad(inner(pattern, *map_batch), pattern, create_graph=True)
            vector = torch.zeros_like(pattern)
            for _ in range(3):
                (product,) = torch.autograd.grad((pattern - 0.1 * step), pattern, vector, retain_graph=True)
                vector = product + slope
            indirect = torch.autograd.grad(-0.1 * step, parameters, vector, allow_unused=True)
            for parameter, one, other in zip(parameters, direct, indirect, strict=True):
                parameter.grad = one if other is None else one + other
            optimizer.step()
    return model


@pytest.mark.parametrize(
    "ours",
    [{}, {"space": "normalised"}, {"ascent_labels": "given"}, {"map_rows": "own"}, {"norm": 0.5}],
    ids=["published", "normalised", "given", "own", "norm"],
)
def test_universal_patterns_are_unlearned_as_the_authors_do(
    make_request: MakeRequest, ours: dict[str, Any]
) -> None:
    request = make_request([])
    labels = request.validation.labels.roll(1)  # some labels differ from the predictions
    request = replace(request, validation=replace(request.validation, labels=labels))
    options = {"rounds": 2, "fixed_point_steps": 3, "batch_size": 4, "patterned": 0.5, **ours}
    found = METHODS["ibau"](request, **options)
    expected = ibau_by_hand(request, ours)
    for one, other in zip(found.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-4)  # a tenth of one of four Adam steps


def test_a_share_of_a_batch_that_is_less_than_a_row_is_none(make_request: MakeRequest) -> None:
    request = make_request([])
    quiet = [
        METHODS["ibau"](request, rounds=1, patterned=share, space=space)
        for share, space in ((0.01, "pixels"), (0.1, "normalised"))
    ]
    assert same(*quiet)  # the share of six rows is less than one row
    assert not same(quiet[0], METHODS["ibau"](request, rounds=1, patterned=0.5))


def test_the_pattern_climbs_the_loss(make_request: MakeRequest) -> None:
    ibau, request = METHODS.module("ibau"), make_request([])
    images, labels = next(request.validation.in_order())
    model = deepcopy(request.model).eval()
    start = torch.zeros(1, 3, *images.shape[2:])
    pattern = ibau.climb(model, start, torch.ones(1, 3, 1, 1), (images, labels))
    with ibau.pattern_added(model, pattern / 100):
        raised = cross_entropy(model(images), labels)
    assert raised > cross_entropy(model(images), labels)  # and the pattern is removed afterwards


@pytest.mark.parametrize("augmented", [False, True])
def test_universal_patterns_count_every_product(make_request: MakeRequest, augmented: bool) -> None:
    options = {"rounds": 2, "fixed_point_steps": 3, "batch_size": 4, "augmented": augmented}
    _, cost = run(METHODS["ibau"], make_request([]), options, needs=("validation",))
    # A round: a pass each for pattern and loss. In each of two batches the map's four rows pass for the
    # slope, three products and the last one.
    assert cost.image_passes == 2 * (2 * TRUSTED + 2 * 4 * (1 + 3 + 1))
    assert cost.curvature_passes == 2 * 2 * 4 * (3 + 1)
    assert cost.forward_passes == 2 * TRUSTED  # to predict labels, whose loss the pattern increases
