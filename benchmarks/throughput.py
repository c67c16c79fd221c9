"""Training throughput: ours compared with the loop that users write today, and with the machine's peak.

Every arm runs in its fastest layout. A short calibration tries one process on all cores and parallel
one-thread processes, for the plain loop with several numbers of `DataLoader` workers. The rounds then
interleave the plain loop, ours and the matrix product. Images a second are those of all processes of an arm
over the wall seconds from a common start to the end of the last process. Loading and augmentation count,
start-up and warm-up do not. All arms use batch 128, 32 x 32 pixels, the same network, crops and mirror images.

`fraction_of_peak` is images a second times the operations of one image, over the best matrix product of the
round. The operations are those of all convolutions and the linear layer, forward and backward, counted by
PyTorch's own counter on the plain network: two for a multiplication with its addition.
"""

import statistics
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from itertools import product
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.plain_loop import ResNet9
from benchmarks.spread import spread
from benchmarks.team import CORES, WHOLE_MACHINE, Layout, Team
from unpoison.devices import is_faster_in_bfloat16

ROWS = {16: 2560, 64: 384}  # of one process; its epoch takes seconds
ROUNDS = 5
SECONDS = 7.0  # of an arm in a round
PRODUCT_SECONDS = 0.7
TYPES = ("bfloat16", "float32") if is_faster_in_bfloat16(torch.device("cpu")) else ("float32",)
PRODUCTS = tuple(product(TYPES, (2048, 4096)))
PLAIN_LAYOUTS = tuple(
    replace(layout, workers=workers)
    for layout in WHOLE_MACHINE
    for workers in ({0, 1, CORES // 2, CORES} if layout.processes == 1 else {0, 1})
)


def measure(rounds: int = ROUNDS, seconds: float = SECONDS) -> dict[str, dict[str, Any]]:
    """Return `throughput_vs_plain`, `fraction_of_peak` and details, by width."""
    figures = {str(width): measure_width(width, rounds, seconds) for width in ROWS}
    keys = ("throughput_vs_plain", "fraction_of_peak", "throughput_details")
    return {key: {width: found[key] for width, found in figures.items()} for key in keys}


def measure_width(width: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Return the figures of one width of the network."""
    sizes = {"width": width, "rows": ROWS[width]}
    with ExitStack() as teams:
        plain, plain_layouts = best_team(teams, "plain", PLAIN_LAYOUTS, sizes)
        ours, ours_layouts = best_team(teams, "ours", WHOLE_MACHINE, sizes)
        multipliers = [teams.enter_context(Team("product", layout)).wait() for layout in WHOLE_MACHINE]
        peak(multipliers, seconds=0)  # warm
        found = []
        for number in range(1, rounds + 1):
            rates = {
                "plain": steady_rate(plain, ROWS[width], seconds, plain_layouts),
                "ours": steady_rate(ours, ROWS[width], seconds, ours_layouts),
                "peak": peak(multipliers),
            }
            print(f"  width {width}, round {number}: {described(rates)}", flush=True)
            found.append(rates)
    operations = operations_per_image(width)
    return {
        "throughput_vs_plain": spread([one["ours"] / one["plain"] for one in found]),
        "fraction_of_peak": spread([one["ours"] * operations / one["peak"] for one in found]),
        "throughput_details": {
            "images_per_second": {arm: spread([one[arm] for one in found]) for arm in ("plain", "ours")},
            "peak_gigaflops": spread([one["peak"] / 1e9 for one in found]),
            "megaflop_per_image": round(operations / 1e6, 2),
            "layouts_tried_images_per_second": {"plain": plain_layouts, "ours": ours_layouts},
            "layouts": {"plain": str(plain.layout), "ours": str(ours.layout)},
        },
    }


def best_team(
    teams: ExitStack, arm: str, layouts: Iterable[Layout], sizes: dict[str, int]
) -> tuple[Team, dict[str, float]]:
    """Return the arm in its fastest layout, and the images a second of each layout over two interleaved epochs."""
    candidates = [teams.enter_context(Team(arm, layout, **sizes)) for layout in layouts]
    for team in candidates:
        team.wait()
    rounds = [[images_per_second(team, sizes["rows"], 1) for team in candidates] for _ in range(2)]
    rates = {
        str(team.layout): round(statistics.mean(found), 1)
        for team, found in zip(candidates, zip(*rounds, strict=True), strict=True)
    }
    print(f"  width {sizes['width']}, {arm}, images a second: {rates}", flush=True)
    return max(candidates, key=lambda team: rates[str(team.layout)]), rates


def images_per_second(team: Team, rows: int, epochs: int) -> float:
    """Return the images a second of all processes of a team."""
    return epochs * rows * team.layout.processes / team.seconds(epochs=epochs)


def steady_rate(team: Team, rows: int, seconds: float, rates: dict[str, float]) -> float:
    """Return the images a second over about `seconds` seconds, for a team with a roughly known rate."""
    epochs = seconds * rates[str(team.layout)] / (rows * team.layout.processes)
    return images_per_second(team, rows, max(1, round(epochs)))


def peak(multipliers: Iterable[Team], seconds: float = PRODUCT_SECONDS) -> float:
    """Return the operations a second of the best large matrix product, over layouts, types and sizes."""
    return max(product_rate(team, dtype, size, seconds) for team in multipliers for dtype, size in PRODUCTS)


def product_rate(team: Team, dtype: str, size: int, seconds: float) -> float:
    """Return the operations a second of the products of one type and size."""
    once = team.seconds(dtype=dtype, size=size, times=1)
    times = max(1, round(seconds / once))
    operations = 2 * size**3 * times * team.layout.processes
    return operations / team.seconds(dtype=dtype, size=size, times=times)


def operations_per_image(width: int) -> float:
    """Return the operations of training on one image."""
    with FlopCounterMode(display=False) as counter:
        ResNet9(width)(torch.zeros(2, 3, 32, 32)).sum().backward()
    return counter.get_total_flops() / 2


def described(rates: dict[str, float]) -> str:
    """Return the rates of a round in one line of progress."""
    return (
        f"plain {rates['plain']:.0f}/s, ours {rates['ours']:.0f}/s, product {rates['peak'] / 1e9:.0f} GFLOP/s"
    )
