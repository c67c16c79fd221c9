"""Speed of a GPU: images a second compared with the plain loop and the matrix product, and of sharing processes.

Ours and the plain loop train the same network in batches of the same size, each in its own process; rounds interleave
them. `fraction_of_product` is images a second times the operations of one image, divided by the best matrix product in
the data type of training. Operations are counted as in `throughput`.
"""

import time
from itertools import product
from typing import Any

import torch

from benchmarks.gpu_sizes import Sizes
from benchmarks.spread import spread
from benchmarks.team import Layout, Team
from benchmarks.throughput import images_per_second, operations_per_image
from unpoison.devices import in_bfloat16

TYPES = ("bfloat16", "float32")


def measure_products(sizes: Sizes) -> dict[str, float]:
    """Return TFLOP/s of the best product of two large square matrices, by type."""
    best = dict.fromkeys(TYPES, 0.0)
    for name, size in product(TYPES, sizes.products):
        best[name] = max(best[name], _product_rate(sizes, getattr(torch, name), size) / 1e12)
    return best


def _product_rate(sizes: Sizes, dtype: torch.dtype, size: int) -> float:
    """Return the operations a second."""
    left, right = (torch.randn(size, size, device=sizes.device).to(dtype) for _ in range(2))
    result = torch.empty_like(left)

    def seconds(times: int) -> float:
        _finish(sizes.device)
        started = time.perf_counter()
        for _ in range(times):
            torch.mm(left, right, out=result)
        _finish(sizes.device)
        return time.perf_counter() - started

    seconds(1)  # warm
    times = max(1, round(sizes.seconds / 5 / seconds(1)))
    return 2 * size**3 * times / seconds(times)


def _finish(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def measure_throughput(sizes: Sizes, products: dict[str, float]) -> dict[str, dict[str, Any]]:
    """Return images a second of ours and of the plain loop, and ours as a fraction of the product, by width."""
    return {str(width): _measure_width(sizes, width, products) for width in sizes.widths}


def _measure_width(sizes: Sizes, width: int, products: dict[str, float]) -> dict[str, Any]:
    arms = {"plain": Layout(1, 1, sizes.workers), "ours": Layout(1, 1)}
    rates: dict[str, list[float]] = {arm: [] for arm in arms}
    with (
        _team("plain", arms["plain"], sizes, width) as plain,
        _team("ours", arms["ours"], sizes, width) as ours,
    ):
        teams = {"plain": plain, "ours": ours}
        for _ in range(sizes.rounds):
            for arm, team in teams.items():
                rates[arm].append(_rate(team, sizes))
    operations = operations_per_image(width)
    dtype = "bfloat16" if in_bfloat16(torch.device(sizes.device), "auto") else "float32"
    reached = [rate * operations / (products[dtype] * 1e12) for rate in rates["ours"]]
    return {
        "images_per_second": {arm: spread(found) for arm, found in rates.items()},
        "over_plain": spread(
            [ours / plain for ours, plain in zip(rates["ours"], rates["plain"], strict=True)]
        ),
        "type": dtype,
        "megaflop_per_image": operations / 1e6,
        "fraction_of_product": spread(reached),
    }


def measure_sharing(sizes: Sizes) -> dict[str, Any]:
    """Return for each number of processes their total images a second, at the width of the cells."""
    found = {}
    for processes in sizes.processes:
        with _team("ours", Layout(processes, 1), sizes, sizes.width) as team:
            found[str(processes)] = _rate(team, sizes)
    return {"width": sizes.width, "images_per_second": found}


def _team(arm: str, layout: Layout, sizes: Sizes, width: int) -> Team:
    """Return the processes of an arm after their warm-up."""
    batch = sizes.recipe.batch_size
    team = Team(arm, layout, width=width, rows=sizes.rows, batch_size=batch, device=sizes.device)
    return team.wait()


def _rate(team: Team, sizes: Sizes) -> float:
    """Return the images a second over about the seconds of an arm."""
    once = team.seconds(epochs=1)
    epochs = max(1, round(sizes.seconds / once))
    return images_per_second(team, sizes.rows, epochs)
