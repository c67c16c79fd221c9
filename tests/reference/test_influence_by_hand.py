"""The influence step against closed forms, and Adam against torch's own."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import tiny
import torch
from arithmetic import PASS, assert_same, rounding
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.examples import Examples
from unpoison.networks import Classifier
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


class Shrunk(nn.Module):
    """Rescales pixels from 0..255 to 0..1."""

    def forward(self, images: Tensor) -> Tensor:
        return images / 255


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
    """Return the weights of ridge regression, by its normal equations."""
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


@pytest.fixture
def bent_request(make_request: MakeRequest) -> Request:
    """A request to forget 8 of 54 rows, for a network that is not linear in its 67 weights."""

    def new(seed: int) -> Classifier:
        torch.manual_seed(seed)
        layers = (
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            Shrunk(),
            nn.Linear(12, 4),
            nn.Tanh(),
            nn.Linear(4, 3),
        )
        return tiny.bare(nn.Sequential(*layers))

    return make_request(range(8), model=new(1), new_model=new)


@pytest.mark.parametrize("over", ["all", "retain"])
@pytest.mark.parametrize("curvature", ["hessian", "gauss_newton"])
def test_the_step_is_the_papers_formula_with_the_exact_hessian(
    curvature: str, over: str, bent_request: Request
) -> None:
    """Expected: weights + (H + damping)^-1 (sum of the deletion set's gradients) / n (Koh and Liang, Eq. 1)."""
    request, damping = bent_request, 1.0
    counted = request.retain if over == "retain" else request.retain + request.forget
    names, shapes = zip(*((name, w.shape) for name, w in request.model.named_parameters()), strict=True)
    weights = flat(tuple(request.model.parameters())).detach()

    def logits_by(vector: Tensor, images: Tensor) -> Tensor:
        parts = vector.split([shape.numel() for shape in shapes])
        state = {name: part.view(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        return torch.func.functional_call(request.model, state, (images,))

    images, labels = (torch.cat(parts) for parts in zip(*counted.in_order(), strict=True))
    if curvature == "hessian":
        matrix = torch.autograd.functional.hessian(
            lambda v: cross_entropy(logits_by(v, images), labels), weights
        )
    else:
        jacobian = torch.autograd.functional.jacobian(lambda v: logits_by(v, images), weights)  # (n, 3, 67)
        p = logits_by(weights, images).softmax(1)
        inner = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
        matrix = torch.einsum("nci,ncd,ndj->ij", jacobian, inner, jacobian) / len(labels)
    images, labels = (torch.cat(parts) for parts in zip(*request.forget.in_order(), strict=True))
    sums = torch.autograd.functional.jacobian(
        lambda v: cross_entropy(logits_by(v, images), labels, reduction="sum"), weights
    )
    step = torch.linalg.solve(matrix + damping * torch.eye(67), sums) / len(counted)
    options = {"damping": damping, "iterations": 67} | (
        {} if (curvature, over) == ("hessian", "all") else {"curvature": curvature, "over": over}
    )
    found = flat(tuple(METHODS["influence"](request, **options).parameters())).detach() - weights
    torch.testing.assert_close(found, step, rtol=1e-3, atol=1e-3 * float(step.abs().max()))


def test_the_solver_stops_where_the_curvature_is_negative(capsys: pytest.CaptureFixture[str]) -> None:
    """The first direction, (3, 4), has curvature 1 x 9 - 0.5 x 16 = 1; the second has a negative one."""
    matrix, right = torch.diag(torch.tensor([1.0, -0.5])), torch.tensor([3.0, 4.0])
    assert solve(lambda vector: matrix @ vector, right, 2).tolist() == [75.0, 100.0]
    assert solve(lambda vector: -vector, right, 2).tolist() == [3.0, 4.0]
    assert capsys.readouterr().out.splitlines() == [
        f"negative curvature at iteration {place} of 2: the solver stops" for place in (2, 1)
    ]


def test_the_step_goes_from_the_poisoned_model_by_its_scale(make_request: MakeRequest) -> None:
    request = make_request(range(8))
    base = flat(tuple(request.model.parameters()))
    steps = [
        flat(tuple(METHODS["influence"](request, scale=scale, iterations=2, damping=10.0).parameters()))
        - base
        for scale in (1.0, 3.0)
    ]
    # A step is a difference of two float32 weights. So the weights' rounding error counts.
    room = rounding(PASS) * float(base.detach().abs().max())
    torch.testing.assert_close(steps[1], 3 * steps[0], rtol=rounding(PASS), atol=room)
    slope = summed_gradient(deepcopy(request.model).eval(), request.forget, cross_entropy)
    assert steps[0] @ slope > 0  # increases the deletion set's loss


@pytest.mark.parametrize(("sample", "rows_of_it"), [(20, 20), (512, 54)])
def test_every_product_counts_its_images(make_request: MakeRequest, sample: int, rows_of_it: int) -> None:
    _, cost = run(
        METHODS["influence"], make_request(range(8)), {"iterations": 3, "sample": sample, "damping": 10.0}
    )
    assert (cost.image_passes, cost.forward_passes) == (8 + 3 * rows_of_it, 0)
    assert cost.curvature_passes == 3 * rows_of_it


def test_adam_takes_the_steps_of_torchs_adam() -> None:
    ours, theirs = (nn.Parameter(torch.tensor([1.0, -2.0, 3.0])) for _ in range(2))
    optimizer, reference = Adam([ours]), torch.optim.Adam([theirs], lr=0.05)
    for step in range(5):
        gradient = torch.tensor([0.5, -1.0, 2.0]) * (-1) ** step + 0.1 * step
        optimizer.follow([gradient], 0.05)
        theirs.grad = gradient
        reference.step()
    assert_same(ours, theirs, terms=5)
