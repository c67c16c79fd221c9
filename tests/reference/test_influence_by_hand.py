"""The influence step against closed forms, and Adam against torch's own."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from arithmetic import PASS, assert_same, rounding
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.examples import Examples
from unpoison.optimisers import Adam
from unpoison.pixels import Pixels
from unpoison.steps.repairing import run_method as run
from unpoison.unlearning import METHODS
from unpoison.unlearning.influence import curved, flat, move, of_cross_entropy, solve, summed_gradient

MakeRequest = Callable[..., Request]
RIDGE = 3.0


class Ridge(nn.Module):
    """A linear model of pixels, in float64."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(12, outputs, bias=False).double()

    def forward(self, images: Tensor) -> Tensor:
        return self.layer(pixels(images))


def pixels(images: Tensor) -> Tensor:
    return images.flatten(1).double() / 255


def rows(count: int) -> Examples:
    generator = torch.Generator().manual_seed(4)
    images = torch.randint(0, 256, (count, 3, 2, 2), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 3, (count,), generator=generator)
    return Examples(Pixels(images, labels - 9, lambda images, _: images), labels)


def squared(outputs: Tensor, labels: Tensor) -> Tensor:
    return 0.5 * (outputs[:, 0] - labels).square().mean()


def fitted(examples: Examples) -> Tensor:
    """The weights of ridge regression, by its normal equations."""
    x, y = pixels(examples._pixels.images), examples.labels.double()
    return torch.linalg.solve(x.T @ x + RIDGE * torch.eye(12, dtype=torch.float64), x.T @ y)


def test_on_ridge_regression_the_step_is_exactly_fitting_without_the_rows() -> None:
    every = rows(40)
    forget, retain = every.take(torch.arange(9)), every.take(torch.arange(9, 40))
    model = Ridge(1)
    with torch.no_grad():
        model.layer.weight.copy_(fitted(every)[None])
    slope = summed_gradient(model, forget, squared) / len(retain)
    damping = RIDGE / len(retain)
    step = solve(
        lambda vector: curved(model, retain, vector, lambda _, pushed: pushed) + damping * vector, slope, 12
    )
    move(model, step)
    torch.testing.assert_close(model.layer.weight[0], fitted(retain))


def test_the_curvature_of_a_linear_model_is_the_hessian_of_its_cross_entropy() -> None:
    examples, model = rows(7), Ridge(3)
    x, labels = pixels(examples._pixels.images), examples.labels

    def loss(weights: Tensor) -> Tensor:
        return cross_entropy(x @ weights.view(3, 12).T, labels)

    weights = model.layer.weight.detach().flatten()
    hessian = torch.autograd.functional.hessian(loss, weights)
    vector = torch.linspace(-1, 1, 36, dtype=torch.float64)
    torch.testing.assert_close(curved(model, examples, vector, of_cross_entropy), hessian @ vector)


def test_conjugate_gradients_solve_in_as_many_steps_as_there_are_unknowns() -> None:
    generator = torch.Generator().manual_seed(6)
    root = torch.rand(5, 5, generator=generator, dtype=torch.float64)
    matrix, right = root @ root.T + torch.eye(5), torch.rand(5, generator=generator, dtype=torch.float64)
    found = solve(lambda vector: matrix @ vector, right, 5)
    torch.testing.assert_close(found, torch.linalg.solve(matrix, right))
    assert solve(lambda vector: matrix @ vector, torch.zeros(5), 5).tolist() == [0.0] * 5


def test_the_step_goes_from_the_poisoned_model_by_its_scale(make_request: MakeRequest) -> None:
    request = make_request(range(8))
    base = flat(tuple(request.model.parameters()))
    steps = [
        flat(tuple(METHODS["influence"](request, scale=scale, iterations=2).parameters())) - base
        for scale in (1.0, 3.0)
    ]
    # A step is a difference of two float32 weights: their rounding counts, not its own.
    room = rounding(PASS) * float(base.detach().abs().max())
    torch.testing.assert_close(steps[1], 3 * steps[0], rtol=rounding(PASS), atol=room)
    slope = summed_gradient(deepcopy(request.model).eval(), request.forget, cross_entropy)
    assert steps[0] @ slope > 0  # up the deletion set's loss


@pytest.mark.parametrize(("sample", "rows_of_it"), [(20, 20), (512, 46)])
def test_every_product_counts_its_images(make_request: MakeRequest, sample: int, rows_of_it: int) -> None:
    _, cost = run(METHODS["influence"], make_request(range(8)), {"iterations": 3, "sample": sample})
    assert (cost.image_passes, cost.forward_passes) == (8 + 3 * rows_of_it, 0)


def test_adam_takes_the_steps_of_torchs_adam() -> None:
    ours, theirs = (nn.Parameter(torch.tensor([1.0, -2.0, 3.0])) for _ in range(2))
    optimizer, reference = Adam([ours]), torch.optim.Adam([theirs], lr=0.05)
    for step in range(5):
        gradient = torch.tensor([0.5, -1.0, 2.0]) * (-1) ** step + 0.1 * step
        optimizer.follow([gradient], 0.05)
        theirs.grad = gradient
        reference.step()
    assert_same(ours, theirs, terms=5)
