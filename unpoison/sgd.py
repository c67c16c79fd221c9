"""Stochastic gradient descent without torch.optim, whose first step imports torch's compiler: 2 seconds a job."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class SGD:
    """SGD with heavy-ball momentum and weight decay as an L2 penalty (the updates of torch.optim.SGD).

    velocity = momentum x velocity + gradient + weight_decay x weight; weight -= rate x velocity.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], *, momentum: float, weight_decay: float) -> None:
        self._parameters: list[Tensor] = [parameter for parameter in parameters if parameter.requires_grad]
        self._velocity = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._momentum, self._weight_decay = momentum, weight_decay

    @torch.no_grad()
    def step(self, loss: Tensor, rate: float) -> None:
        """One step down the loss, which every parameter must have a part in."""
        gradients = torch.autograd.grad(loss, self._parameters)
        torch._fused_sgd_(  # torch's own kernel: one pass over weights, gradients and velocities
            self._parameters,
            list(gradients),
            self._velocity,
            weight_decay=self._weight_decay,
            momentum=self._momentum,
            lr=rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )
