"""Costs of the kinds of passes through a network, in forward passes: the source of the weights of `unpoison.costs`.

    python -m benchmarks.passes

The arms are the functions that the methods call, on one thread and in float32, with ResNet-9 and 32 x 32 pixels:
forward alone (`predict`), forward and backward (`train`, batches of 128, augmented, with the optimizer's step),
per-sample gradients (`mean_sizes`, one image after another) and products with the Hessian (`bent`). Each round runs the
arms in turn and divides seconds an image by those of the forward arm of the same round. It writes
benchmarks/passes.json.
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from benchmarks.spread import spread
from unpoison.devices import compute_repeatably, keep_freed_memory
from unpoison.examples import Examples
from unpoison.gradients import trained_parameters
from unpoison.machine import processor
from unpoison.networks import Architecture
from unpoison.pixels import Pixels
from unpoison.provenance import checkout
from unpoison.recipes import Recipe
from unpoison.training import accuracy, train
from unpoison.unlearning import METHODS
from unpoison.unlearning._importance import FISHER, mean_sizes

FOUND = Path(__file__).with_name("passes.json")
WIDTHS = (8, 16, 64)
IMAGES = {8: 1024, 16: 512, 64: 128}  # of an arm in a round: about a second
ROUNDS = 7
FORWARD = "forward"


def main() -> None:
    """Measure, write and print the ratios."""
    compute_repeatably(1)
    keep_freed_memory()
    figures = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **checkout(),
        "machine": {"processor": processor(), "threads": 1, "torch": torch.__version__},
        "command": "python -m benchmarks.passes",
        "passes_forward": {str(width): measure(width, IMAGES[width], ROUNDS) for width in WIDTHS},
    }
    FOUND.write_text(json.dumps(figures, indent=1) + "\n")
    for width, kinds in figures["passes_forward"].items():
        for kind, found in kinds.items():
            print(f"width {width}, {kind}: {found['median']} [{found['min']}, {found['max']}]")


def measure(width: int, images: int, rounds: int) -> dict[str, dict[str, Any]]:
    """Return the cost of each kind of pass in forward passes, over rounds."""
    arms = arms_of(width, images)
    for work in arms.values():
        work()  # warm
    found: dict[str, list[float]] = {kind: [] for kind in arms if kind != FORWARD}
    for _ in range(rounds):
        seconds = {kind: _seconds(work) for kind, work in arms.items()}
        for kind, values in found.items():
            values.append(seconds[kind] / seconds[FORWARD])
    return {kind: spread(values) for kind, values in found.items()}


def arms_of(width: int, images: int) -> dict[str, Callable[[], object]]:
    """Return the work of each arm: a function that sends the images through the network."""
    pixels = torch.randint(0, 256, (images, 32, 32, 3), dtype=torch.uint8).permute(0, 3, 1, 2)
    labels, no_trigger = torch.randint(0, 10, (images,)), torch.full((images,), -1)
    examples = Examples(Pixels(pixels, no_trigger, lambda stamped, _: stamped), labels)
    model = Architecture("resnet9", {"width": width}, tuple(map(str, range(10))), 32).new(0).eval()
    bent = METHODS.module("influence").bent
    vector = torch.ones(sum(parameter.numel() for parameter in trained_parameters(model)))
    recipe = Recipe(learning_rate=1e-6, batch_size=128, epochs=1)
    return {
        FORWARD: lambda: accuracy(model, examples, "float32"),
        "forward and backward": lambda: train(model, examples, recipe, 0, precision="float32"),
        "per-sample gradient": lambda: mean_sizes(model.eval(), examples, FISHER),
        "product with the Hessian": lambda: bent(model.eval(), examples, vector, cross_entropy),
    }


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
