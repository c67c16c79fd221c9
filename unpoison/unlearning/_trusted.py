"""What repairs share: the two halves of the trusted rows, one to train on and one to choose by."""

import torch

from unpoison.contracts.request import Request
from unpoison.examples import Examples
from unpoison.seeds import derive_seed


def halves(request: Request) -> tuple[Examples, Examples]:
    """The trusted rows in two, drawn by the request's seed; a single row is both."""
    rows = len(request.validation)
    generator = torch.Generator().manual_seed(derive_seed("halves", request.seed))
    order = torch.randperm(rows, generator=generator)
    return request.validation.take(order[: max(1, rows // 2)]), request.validation.take(order[rows // 2 :])
