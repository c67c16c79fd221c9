"""The reference: the poisoned model without any change."""

from copy import deepcopy

from torch import nn

from unpoison.contracts.request import Request

SPACE: dict[str, dict[str, float]] = {}


def unlearn(request: Request) -> nn.Module:
    """Return a copy of the poisoned network."""
    return deepcopy(request.model)
