"""Steps of a training on a GPU: their bit-for-bit repeatability, and the number of waits for the GPU in a step.

Both measurements use a training with patch poisons that are stamped in each batch.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.gpu_sizes import Sizes
from unpoison.devices import computing_repeatably
from unpoison.examples import Examples
from unpoison.networks import Architecture
from unpoison.pixels import Pixels
from unpoison.poisons import trigger_of
from unpoison.training import train

STEPS = (
    20  # of the shorter of two trainings whose waits are compared, in one epoch; the longer has twice as many
)


def measure_repeatability(sizes: Sizes) -> dict[str, Any]:
    """Return whether two trainings of one seed give equal weights, and the largest difference of two weights."""
    with computing_repeatably():
        first, second = (_trained(sizes, STEPS) for _ in range(2))
    differences = [
        float((one.double() - other.double()).abs().max()) for one, other in zip(first, second, strict=True)
    ]
    is_equal = all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    return {"steps": STEPS, "is_equal": is_equal, "largest_difference": max(differences)}


def measure_waits(sizes: Sizes) -> dict[str, Any]:
    """Return the number of waits for the GPU in a step, and the lines that waited in the longer training.

    torch warns of each wait. Waits at the start and end of a training occur in both trainings, so they cancel.
    """
    if sizes.device != "cuda":
        return {"per_step": None, "why": "torch tells of waits for a CUDA device alone"}
    with computing_repeatably():
        short, long = (_waits(sizes, steps) for steps in (STEPS, 2 * STEPS))
    more = long.total() - short.total()
    return {"per_step": more / STEPS, "lines": dict(long.most_common(10))}


def _waits(sizes: Sizes, steps: int) -> Counter[str]:
    """Return the lines of Python that waited, with counts."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            _trained(sizes, steps)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return Counter(f"{one.filename}:{one.lineno}" for one in told if "synchroniz" in str(one.message))


def _trained(sizes: Sizes, steps: int) -> Sequence[Tensor]:
    """Return the weights after one epoch of `steps` steps, with a patch on every tenth row."""
    recipe = replace(sizes.recipe, epochs=1, iterations=None)
    rows = steps * recipe.batch_size
    draws = np.random.default_rng(0)
    images = torch.from_numpy(draws.integers(0, 256, (rows, 32, 32, 3), dtype=np.uint8)).to(sizes.device)
    labels = torch.from_numpy(draws.integers(0, 10, rows)).to(sizes.device)
    trigger_ids = torch.from_numpy(np.where(np.arange(rows) % 10 == 0, 0, -1))
    pixels = Pixels(images.permute(0, 3, 1, 2), trigger_ids, trigger_of("patch", {}))
    model = Architecture("resnet9", {"width": sizes.probed}, tuple(map(str, range(10))), 32).new(0)
    train(model.to(sizes.device), Examples(pixels, labels), recipe, 0)
    return [tensor.cpu() for tensor in model.state_dict().values()]
