"""Muon against its definition, written with singular values and one filter tensor at a time."""

from copy import deepcopy

import pytest
import torch
from arithmetic import PASS, assert_same
from tiny import build
from torch import Tensor, nn

from unpoison.optimisers import FILTER_MOMENTUM, ITERATIONS, QUINTIC, SGD, Muon, orthogonalised

SETTINGS = {"momentum": 0.9, "weight_decay": 0.01}
ORTHOGONALISED = 3 * 3 * 200  # iterations, matrix products in each, terms of a sum


def by_singular_values(matrix: Tensor) -> Tensor:
    """Apply the iteration to each singular value alone: a x + b x^3 + c x^5, repeatedly."""
    left, values, right = torch.linalg.svd(matrix.double(), full_matrices=False)
    values = values / values.square().sum().sqrt()
    for _ in range(ITERATIONS):
        values = sum(factor * values**power for factor, power in zip(QUINTIC, (1, 3, 5), strict=True))
    return (left * values) @ right


@pytest.mark.parametrize("shape", [(16, 27), (27, 16), (8, 200), (12, 12)])
def test_orthogonalising_moves_singular_values_to_one_and_leaves_their_vectors(
    shape: tuple[int, int],
) -> None:
    matrix = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
    found = orthogonalised(matrix)
    assert_same(found, by_singular_values(matrix).float(), terms=ORTHOGONALISED)
    values = torch.linalg.svdvals(found)
    assert values.median() == pytest.approx(1, abs=0.3)
    assert values.max() < 1.25


@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_filters_follow_muon_and_all_else_sgd(momentum: float) -> None:
    settings = SETTINGS | {"momentum": momentum}
    model = build("resnet9", 3, {"width": 32}, seed=1)  # its first filters are a tall matrix, 32 x 27
    images = torch.randint(0, 256, (12, 3, 16, 16), dtype=torch.uint8)
    labels = torch.arange(12) % 3
    expected, plain = deepcopy(model), deepcopy(model)
    muon = Muon(model.parameters(), **settings, filter_rate=0.5, dtype=torch.float32)
    sgd = SGD(plain.parameters(), **settings)
    velocity: dict[str, Tensor] = {}
    for rate in (0.1, 0.05):
        muon.step(nn.functional.cross_entropy(model(images), labels), rate)
        gradients = torch.autograd.grad(
            nn.functional.cross_entropy(expected(images), labels), list(expected.parameters())
        )
        sgd.follow(gradients, rate)
        with torch.no_grad():
            for (name, weights), gradient in zip(expected.named_parameters(), gradients, strict=True):
                if weights.ndim != 4:
                    weights.copy_(plain.get_parameter(name))
                    continue
                velocity[name] = FILTER_MOMENTUM * velocity.get(name, torch.zeros(())) + gradient
                ahead = (gradient + FILTER_MOMENTUM * velocity[name]).flatten(1)
                scaled = weights * (len(weights) ** 0.5 / weights.norm())
                step = by_singular_values(ahead).float().view_as(weights)
                weights.copy_(scaled - rate * 0.5 * step)
    for name, weights in expected.named_parameters():
        assert_same(model.get_parameter(name), weights, terms=2 * ORTHOGONALISED * PASS)


def test_filters_keep_their_norm_but_for_the_last_step() -> None:
    model = build("resnet9", 2, {"width": 4}, seed=0)
    muon = Muon(model.parameters(), **SETTINGS, filter_rate=0.1, dtype=torch.float32)
    images, labels = torch.randint(0, 256, (8, 3, 16, 16), dtype=torch.uint8), torch.arange(8) % 2
    for _ in range(5):
        muon.step(nn.functional.cross_entropy(model(images), labels), rate=0.1)
    for weights in (module.weight for module in model.modules() if isinstance(module, nn.Conv2d)):
        assert weights.norm().item() == pytest.approx(len(weights) ** 0.5, rel=0.02)
