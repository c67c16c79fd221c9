"""Draws from the trusted rows, shared by repairs: batches with replacement, and two halves."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from unpoison.contracts.request import Request
from unpoison.examples import Examples
from unpoison.seeds import derive_seed


def drawn_batches(
    rows: Examples, request: Request, *, steps: int, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield full batches of rows drawn with replacement, augmented as the request's recipe says.

    A batch is full however few rows there are, so that even a single row has batch statistics.
    """
    recipe = replace(request.recipe, batch_size=batch_size)
    generator = torch.Generator().manual_seed(derive_seed("drawn", request.seed))
    for step in range(steps):
        places = torch.randint(len(rows), (batch_size,), generator=generator)
        yield from rows.take(places).batches(recipe, derive_seed("drawn", request.seed, step), steps=1)


def halves(request: Request) -> tuple[Examples, Examples]:
    """Return the trusted rows in two halves, drawn by the request's seed; a single row is both."""
    rows = len(request.validation)
    generator = torch.Generator().manual_seed(derive_seed("halves", request.seed))
    order = torch.randperm(rows, generator=generator)
    return request.validation.take(order[: max(1, rows // 2)]), request.validation.take(order[rows // 2 :])
