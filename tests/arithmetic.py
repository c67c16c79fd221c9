"""Tolerances derived from the data type and the number of summed terms; they hold on any processor."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

# Rounding errors of n terms add up to at most CERTAINTY sqrt(n) units, but for one sum in 10^10 (Higham and Mary
# 2019, "A new approach to probabilistic rounding error analysis", Theorem 2.4).
CERTAINTY = 7
# Products behind one gradient of the tests' ResNet-9: eight layers, 16 images, 16 x 16 places.
PASS = 8 * 16 * 16 * 16


def rounding(terms: int, dtype: torch.dtype = torch.float32) -> float:
    """Return the bound on the difference of two sums of `terms` products, relative to the size of their terms.

    Two processors add the same products in two orders; each order has an error of its own.
    """
    return 2 * CERTAINTY * math.sqrt(terms) * torch.finfo(dtype).eps / 2


def assert_same(found: Any, expected: Any, *, terms: int) -> None:
    """Fail where values differ by more than the order of summation explains.

    The largest value of a tensor stands for the size of the terms: small values are differences of large ones.

    Args:
        found, expected: numbers, arrays, tensors, networks, or lists and mappings of these.
        terms: products that one value adds up, through all layers and steps.
    """
    if isinstance(expected, nn.Module):
        found, expected = found.state_dict(), expected.state_dict()
    if isinstance(expected, Mapping):
        assert found.keys() == expected.keys()
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, Iterable) and not hasattr(expected, "shape"):
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other, terms=terms)
        return
    one, other = torch.as_tensor(found).detach(), torch.as_tensor(expected).detach()
    if not one.is_floating_point():
        assert torch.equal(one, other)
        return
    size = float(other.abs().max()) if other.numel() else 0.0
    torch.testing.assert_close(
        one, other, rtol=0, atol=size * rounding(terms, one.dtype), check_dtype=False, check_stride=False
    )
