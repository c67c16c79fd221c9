"""Gradients of what is trained: parameters that a loss does not reach have none, and stay."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel


def trained_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that are not frozen, in their order."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def gradients_of(
    outputs: Tensor, parameters: Sequence[Tensor], vector: Tensor | None = None, **options: Any
) -> list[Tensor]:
    """The gradient of outputs by each parameter; zeros for one that they do not depend on.

    Args:
        vector: what outputs are multiplied by, where they are no number; options: of torch.autograd.grad.
    """
    found = torch.autograd.grad(outputs, list(parameters), vector, allow_unused=True, **options)
    return [
        torch.zeros_like(parameter) if gradient is None else gradient
        for parameter, gradient in zip(parameters, found, strict=True)
    ]


def twice_differentiable() -> AbstractContextManager[None]:
    """A context in which attention is computed by plain products, the only form of it that has second derivatives."""
    return sdpa_kernel(SDPBackend.MATH)
