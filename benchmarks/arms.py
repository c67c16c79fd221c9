"""The work inside the processes of a throughput measurement, one function for each arm.

    python -m benchmarks.arms ours '{"threads": 1, "width": 16, "rows": 5120}'

An arm prepares, warms up and prints `ready`. Then it does one piece of work for each line of input, which is
the arguments as JSON, and prints `done`. The sender measures the time.
"""

import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache

import torch

Work = Callable[..., object]


def ours(threads: int, width: int, rows: int, *, batch_size: int = 128, device: str = "cpu") -> Work:
    """Return unpoison's own training, as a job runs it: `train` on uint8 images on the device, precision auto."""
    from unpoison.devices import compute_repeatably, keep_freed_memory  # noqa: PLC0415
    from unpoison.examples import Examples  # noqa: PLC0415
    from unpoison.networks import Architecture  # noqa: PLC0415 (an arm loads only what it needs)
    from unpoison.pixels import Pixels  # noqa: PLC0415
    from unpoison.recipes import Recipe  # noqa: PLC0415
    from unpoison.training import train  # noqa: PLC0415

    compute_repeatably(threads)
    keep_freed_memory()
    images = torch.randint(0, 256, (rows, 32, 32, 3), dtype=torch.uint8).permute(0, 3, 1, 2)
    labels = torch.randint(0, 10, (rows,))
    no_trigger = torch.full((rows,), -1)
    examples = Examples(Pixels(images.to(device), no_trigger, lambda images, _: images), labels.to(device))
    model = Architecture("resnet9", {"width": width}, tuple(map(str, range(10))), 32).new(0).to(device)

    def work(epochs: int) -> None:
        train(model, examples, Recipe(learning_rate=0.05, batch_size=batch_size, epochs=epochs), 0)

    return work


def plain(
    threads: int, width: int, rows: int, workers: int, *, batch_size: int = 128, device: str = "cpu"
) -> Work:
    """Return the training loop that users write today."""
    from benchmarks import plain_loop  # noqa: PLC0415

    torch.set_num_threads(threads)
    images = torch.randint(0, 256, (rows, 32, 32, 3), dtype=torch.uint8).numpy()
    batches = plain_loop.loader(images, torch.randint(0, 10, (rows,)).numpy(), workers, batch_size)
    model = plain_loop.ResNet9(width).to(device)

    def work(epochs: int) -> None:
        plain_loop.train(model, batches, epochs, device)

    return work


def product(threads: int) -> Work:
    """Return products of two large square matrices."""
    torch.set_num_threads(threads)
    operands = cache(
        lambda dtype, size: [torch.randn(size, size).to(getattr(torch, dtype)) for _ in range(3)]
    )

    def work(dtype: str = "float32", size: int = 512, times: int = 1, epochs: int = 1) -> None:
        left, right, result = operands(dtype, size)
        for _ in range(times * epochs):
            torch.mm(left, right, out=result)

    return work


def serve(work: Work) -> None:
    """Warm up, then do the requested work until the sender closes the pipe."""
    answers = sys.stdout
    with redirect_stdout(io.StringIO()):
        work(epochs=1)
        print("ready", file=answers, flush=True)
        for line in sys.stdin:
            work(**json.loads(line))
            print("done", file=answers, flush=True)


ARMS: dict[str, Callable[..., Work]] = {"ours": ours, "plain": plain, "product": product}

if __name__ == "__main__":
    serve(ARMS[sys.argv[1]](**json.loads(sys.argv[2])))
