"""Influence unlearning: one Newton-like step away from the deletion set (Koh and Liang 2017, arXiv 1703.04730, Eq. 1).

weights + s (H + damping)^-1 (sum of the deletion set's gradients) / n, H the Hessian of the mean cross-entropy of all
n training rows. The damping is the paper's for networks away from a minimum; its code takes 0.01.
`over: retain` takes H and n of the retain set: the Newton step on its loss (Guo et al. 2020, arXiv 1911.03030), exact
where the loss is quadratic. The two differ most if the deletion set contributes much to the curvature of the
loss, as poisons do.
The system is solved by conjugate gradients on products with H, as in the authors' code. They stop where the
curvature is negative, as the Hessian of a network can be. `curvature: gauss_newton` is never indefinite: a
deviation of ours.
"IU" of Jia et al. 2023 (arXiv 2304.04934) is another step: it uses WoodFisher's curvature, and subtracts the
retain set's gradient from the deletion set's.

Fewer rows and steps than published, by option: `sample` and `iterations`. Images are as they are, stamped and not
augmented, in float32. BatchNorm is in evaluation mode, as its running statistics are part of the function
whose curvature is computed; they do not change. No published network of the paper has BatchNorm.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.examples import Examples
from unpoison.gradients import gradients_of, trained_parameters, twice_differentiable
from unpoison.seeds import derive_seed
from unpoison.types import PositiveFloat, PositiveInt

SPACE = {
    "scale": {"low": 0.1, "high": 100.0, "log": True},
    "damping": {"low": 1e-4, "high": 1.0, "log": True},
}
Loss = Callable[[Tensor, Tensor], Tensor]
Curvature = Callable[[Tensor, Tensor], Tensor]


def unlearn(
    request: Request,
    *,
    scale: PositiveFloat = 1.0,
    damping: PositiveFloat = 0.01,
    iterations: PositiveInt = 10,
    sample: PositiveInt = 512,
    curvature: Literal["hessian", "gauss_newton"] = "hessian",
    over: Literal["all", "retain"] = "all",
) -> nn.Module:
    """Take the step from a copy of the poisoned network.

    Args:
        scale: the step's length; 1 is published.
        damping: what is added to the diagonal of H; 0.01 in the authors' code.
        iterations: of conjugate gradients, at most; up to 100 in the authors' code.
        sample: rows that H is taken over, drawn once; all rows in the authors' code.
        curvature: H; the Hessian is published.
        over: the rows that H is a mean over and that n counts; all is Koh and Liang's, retain is Guo et al.'s.
    """
    model = deepcopy(request.model).eval()
    rows = request.retain if over == "retain" else request.retain + request.forget
    generator = torch.Generator().manual_seed(derive_seed("influence", request.seed))
    sampled = rows.take(torch.randperm(len(rows), generator=generator)[:sample])
    slope = summed_gradient(model, request.forget, cross_entropy) / len(rows)

    def product(vector: Tensor) -> Tensor:
        if curvature == "hessian":
            return bent(model, sampled, vector, cross_entropy) + damping * vector
        return curved(model, sampled, vector, of_cross_entropy) + damping * vector

    move(model, scale * solve(product, slope, iterations))
    return model.eval()


def flat(tensors: Sequence[Tensor]) -> Tensor:
    """Return the values of all tensors as one vector."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def like(vector: Tensor, parameters: list[nn.Parameter]) -> list[Tensor]:
    """Return the vector cut into the shapes of the parameters."""
    parts = vector.split([parameter.numel() for parameter in parameters])
    return [part.view(parameter.shape) for part, parameter in zip(parts, parameters, strict=True)]


@torch.no_grad()
def move(model: nn.Module, step: Tensor) -> None:
    """Add a vector to the network's weights."""
    parameters = trained_parameters(model)
    for parameter, part in zip(parameters, like(step, parameters), strict=True):
        parameter.add_(part)


def summed_gradient(model: nn.Module, examples: Examples, loss: Loss) -> Tensor:
    """Return the sum over rows of the gradients of their losses; `loss` gives the mean over a batch."""
    parameters = trained_parameters(model)
    parts = [
        len(labels) * flat(gradients_of(loss(model(images), labels), parameters))
        for images, labels in examples.in_order(backward=True)
    ]
    return torch.stack(parts).sum(0)


def bent(model: nn.Module, examples: Examples, vector: Tensor, loss: Loss) -> Tensor:
    """Return the Hessian of the mean of a loss over rows, times a vector (Pearlmutter 1994)."""
    parameters, total = trained_parameters(model), torch.zeros_like(vector)
    for images, labels in examples.in_order(backward=True):
        examples.note_curved(len(images))
        with twice_differentiable():
            value = loss(model(images), labels)
        slope = flat(gradients_of(value, parameters, create_graph=True))
        total += len(labels) * flat(gradients_of(slope, parameters, vector))
    return total / len(examples)


def curved(model: nn.Module, examples: Examples, vector: Tensor, curvature: Curvature) -> Tensor:
    """Return the Gauss-Newton matrix, the mean over rows of J' C J, times a vector; `curvature` is C times a
    vector.

    J v is computed by differentiating J' u, which is linear in u, with respect to u.
    """
    parameters, total = trained_parameters(model), torch.zeros_like(vector)
    for images, _ in examples.in_order(backward=True):
        examples.note_curved(len(images))
        with twice_differentiable():
            outputs = model(images)
        pull = torch.zeros_like(outputs, requires_grad=True)
        pulled = gradients_of(outputs, parameters, pull, create_graph=True)
        # Parameters that the outputs do not depend on have no gradient.
        pairs = [pair for pair in zip(pulled, like(vector, parameters), strict=True) if pair[0].requires_grad]
        ends, along = zip(*pairs, strict=True)
        (pushed,) = torch.autograd.grad(ends, [pull], along, retain_graph=True)
        total += flat(gradients_of(outputs, parameters, curvature(outputs.detach(), pushed)))
    return total / len(examples)


def of_cross_entropy(logits: Tensor, vector: Tensor) -> Tensor:
    """Return the Hessian of each row's cross-entropy by its logits, diag(p) - p p', times a vector."""
    shares = logits.softmax(1)
    return shares * (vector - (shares * vector).sum(1, keepdim=True))


def solve(product: Callable[[Tensor], Tensor], right: Tensor, iterations: int) -> Tensor:
    """Solve product(x) = right by conjugate gradients (Hestenes and Stiefel 1952), from x = 0.

    Along a direction of negative curvature the system has no minimum. Then the solution before that direction
    is returned, or at the first step a step along `right`. scipy's Newton-CG, which the authors call, does
    the same.
    """
    found, rest = torch.zeros_like(right), right.clone()
    direction, size = rest.clone(), rest @ rest
    for done in range(iterations):
        if size == 0:
            break
        moved = product(direction)
        bend = direction @ moved
        if bend <= 0:
            print(f"negative curvature at iteration {done + 1} of {iterations}: the solver stops", flush=True)
            return found if done else size / bend.abs() * right
        length = size / bend
        found += length * direction
        rest -= length * moved
        size, before = rest @ rest, size
        direction = rest + size / before * direction
    return found
