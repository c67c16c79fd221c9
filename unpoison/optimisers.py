"""SGD, Adam and Muon, without torch.optim, whose first step imports torch's compiler: 2 seconds a job."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

# Coefficients of Muon's quintic Newton-Schulz iteration (Jordan et al. 2024).
QUINTIC = (3.4445, -4.7750, 2.0315)
ITERATIONS = 3
FILTER_MOMENTUM = 0.6
Noted = Tensor | None  # the first loss that was not finite, else the last loss


class SGD:
    """SGD with heavy-ball momentum and weight decay as an L2 penalty (the updates of torch.optim.SGD).

    velocity = momentum x velocity + gradient + weight_decay x weight; weight -= rate x velocity.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], *, momentum: float, weight_decay: float) -> None:
        self.noted: Noted = None
        self._parameters: list[Tensor] = [parameter for parameter in parameters if parameter.requires_grad]
        self._velocity = [torch.zeros_like(parameter) for parameter in self._parameters] if momentum else []
        self._momentum, self._weight_decay = momentum, weight_decay

    def step(self, loss: Tensor, rate: float) -> None:
        """Take one step down the loss; parameters that it does not depend on stay unchanged, without weight decay."""
        self.follow(torch.autograd.grad(loss, self._parameters, allow_unused=True), rate)

    @torch.no_grad()
    def follow(self, gradients: Iterable[Tensor | None], rate: float) -> None:
        """Take one step against the given gradients; a parameter without a gradient stays unchanged."""
        given = list(gradients)
        reached = [place for place, gradient in enumerate(given) if gradient is not None]
        if not reached:
            return
        torch._fused_sgd_(  # torch's own kernel: one pass over weights, gradients and velocities
            [self._parameters[place] for place in reached],
            [laid_out_as(self._parameters[place], given[place]) for place in reached],  # type: ignore[arg-type]
            [self._velocity[place] for place in reached] if self._velocity else [],
            weight_decay=self._weight_decay,
            momentum=self._momentum,
            lr=rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )


class Adam:
    """Adam (Kingma and Ba 2015, arXiv 1412.6980, Algorithm 1), with its defaults (the updates of torch.optim.Adam)."""

    def __init__(self, parameters: Iterable[nn.Parameter], *, scale: float = 1.0) -> None:
        """Make the optimiser; `scale` multiplies every rate."""
        self.noted: Noted = None
        self._parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self._scale = scale
        self._means = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._steps = 0

    def step(self, loss: Tensor, rate: float) -> None:
        """Take one step down the loss; a parameter that it does not depend on has a gradient of zero."""
        self.follow(torch.autograd.grad(loss, self._parameters, materialize_grads=True), rate)

    @torch.no_grad()
    def follow(self, gradients: Iterable[Tensor], rate: float) -> None:
        """Take one step against the given gradients."""
        self._steps += 1
        parts = zip(self._parameters, gradients, self._means, self._squares, strict=True)
        for weights, gradient, mean, square in parts:
            mean.lerp_(gradient, 1 - 0.9)
            square.lerp_(gradient.square(), 1 - 0.999)
            spread = (square / (1 - 0.999**self._steps)).sqrt_().add_(1e-8)
            weights.addcdiv_(mean, spread, value=-self._scale * rate / (1 - 0.9**self._steps))


def laid_out_as(weights: Tensor, gradient: Tensor) -> Tensor:
    """Return the gradient in the memory layout of its weights, as the kernel requires."""
    if gradient.stride() == weights.stride():
        return gradient
    return torch.empty_like(weights).copy_(gradient)


class Muon:
    """Muon for the filters of convolutions, SGD for all else (Jordan et al. 2024, kellerjordan.github.io/posts/muon).

    The momentum of a layer's filters is a matrix with a row for each filter. Muon replaces it by a matrix of about
    orthonormal rows, so that all its larger directions move by the same amount. Three settings follow the authors'
    CIFAR-10 run (airbench94_muon) and not the post: three iterations, momentum 0.6, and no weight decay on filters,
    which keep the norm sqrt(number of filters). Muon fits networks with a batch norm after every convolution, which
    cancels the norm.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        momentum: float,
        weight_decay: float,
        filter_rate: float,
        dtype: torch.dtype,
    ) -> None:
        """Make the optimiser; `filter_rate`: the filters' rate relative to the others; `dtype`: of the products."""
        self.noted: Noted = None
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        self._filters = [parameter for parameter in trained if parameter.ndim == 4]
        others = [parameter for parameter in trained if parameter.ndim != 4]
        self._others, self._sgd = others, SGD(others, momentum=momentum, weight_decay=weight_decay)
        self._velocity = [torch.zeros_like(parameter) for parameter in self._filters]
        self._filter_rate, self._dtype = filter_rate, dtype

    def step(self, loss: Tensor, rate: float) -> None:
        """Take one step down the loss; parameters that it does not depend on stay unchanged, without weight decay."""
        gradients = torch.autograd.grad(loss, [*self._filters, *self._others], allow_unused=True)
        with torch.no_grad():
            for weights, gradient, velocity in zip(self._filters, gradients, self._velocity, strict=False):
                if gradient is None:
                    continue
                velocity.mul_(FILTER_MOMENTUM).add_(gradient)
                ahead = gradient.add(velocity, alpha=FILTER_MOMENTUM)  # Nesterov's momentum
                weights.mul_(len(weights) ** 0.5 / weights.norm())
                weights.add_(self._direction(ahead), alpha=-rate * self._filter_rate)
        self._sgd.follow(gradients[len(self._filters) :], rate)

    def _direction(self, momentum: Tensor) -> Tensor:
        rows = momentum.flatten(1).to(self._dtype)
        return orthogonalised(rows).to(momentum.dtype).view_as(momentum)


def orthogonalised(matrix: Tensor) -> Tensor:
    """Return the matrix with its larger singular values (above a fiftieth of its norm) moved into 0.7 to 1.2.

    It uses Newton-Schulz iterations, whose coefficients trade exactness for speed; smaller values stay smaller.
    """
    first, third, fifth = QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    found = matrix.T if tall else matrix
    found = found / (found.norm() + 1e-7)
    for _ in range(ITERATIONS):
        gram = found @ found.T
        found = first * found + (third * gram + fifth * gram @ gram) @ found
    return found.T if tall else found
