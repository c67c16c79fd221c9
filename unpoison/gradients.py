"""Gradients of the trainable parameters, including parameters that a loss does not depend on."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel


def trained_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that are not frozen, in their order."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def gradients_of(
    outputs: Tensor, parameters: Sequence[Tensor], vector: Tensor | None = None, **options: Any
) -> list[Tensor]:
    """Return the gradient of outputs with respect to each parameter; zeros if outputs do not depend on it.

    Args:
        vector: the vector of the vector-Jacobian product, for outputs that are not a scalar.
        options: of torch.autograd.grad.
    """
    found = torch.autograd.grad(outputs, list(parameters), vector, allow_unused=True, **options)
    return [
        torch.zeros_like(parameter) if gradient is None else gradient
        for parameter, gradient in zip(parameters, found, strict=True)
    ]


def twice_differentiable() -> AbstractContextManager[None]:
    """Return a context in which attention uses plain matrix products, its only kernel with second derivatives."""
    return sdpa_kernel(SDPBackend.MATH)
